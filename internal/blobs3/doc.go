// Package blobs3 keeps the bytes of layers in a bucket of any store that speaks S3: registry.Blobs for many equal
// processes. Nothing is kept in the process: whatever Append has returned is in the bucket or in the State that the core
// records, so any process may go on with any upload.
//
// It knows nothing of digests or repositories, and it coordinates with nobody: two processes that write to one upload
// make objects and parts of different names, and the row that the core records decides which of them count.
//
//	PREFIX/blobs/ab/ab3f09…c1             finished bytes, under their locator; or a multipart upload that becomes them
//	PREFIX/tails/ab3f09…c1/OFFSET-RANDOM  the end of what an unfinished upload has, too small for a part
//
// Read next: state.go for what is noted about an upload, append.go and finish.go for the order of effects, the contract
// at registry.Blobs, and suite registrytest.TestBlobs for the contract as code.
package blobs3
