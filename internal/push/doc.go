// Package push sends layers and images from local files to ECR Public, or whatever speaks its API: what is there already
// is skipped, the rest goes up in parts, several layers at once, and a push that was cut off goes on where it stood.
//
// It is not a docker client: it speaks the AWS API alone and needs no engine, no login and no registry surface. It knows
// no flags either; cmd/openecr has those.
//
// From the files to the wire:
//
//	source.go     a directory or a tar file, by names; nothing is unpacked
//	image.go      what an image consists of: blobs, and manifests in the order in which they may be put
//	layout.go     ... read from an OCI image layout
//	archive.go    ... read from what docker save writes
//	push.go       Pusher: availability first, then uploads side by side, then manifests
//	upload.go     one layer: parts that follow each other, and what to do when the service stands elsewhere
//	resume.go     the note that lets the next process go on
//	progress.go   what people see meanwhile; bar.go is its form on a terminal
package push
