// Package registry is the core of openecr: what a repository, a layer, an upload and an image are, every rule about
// them, and the two interfaces behind which they are kept.
//
// It is not a server. Packages ecrapi and ociapi put the AWS API and the docker registry protocol over the same verbs
// (CheckLayers, AppendUpload, FinishUpload, PutImage, …): two wires, one core. It knows no HTTP, SQL, AWS module,
// logger or metrics.
//
// Read next: registry.go for the type that holds it together, store.go for what a store promises, upload.go for the
// life of a layer with its commit point, image.go for the life of an image, permission.go for who may do what, quota.go
// for how much of it, collect.go for what is removed when nobody needs it, verify.go for whether all is whole.
package registry
