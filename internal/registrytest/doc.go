// Package registrytest is what every store of the registry must do, as code: TestMeta for registry.Meta, TestBlobs for
// registry.Blobs. A store's own test file calls the suite and adds what is particular to it. Here too are stores in
// memory that can be told to fail, for tests of the layers above.
//
// Only tests import it. What the promises are for is said where they are made: registry/store.go.
package registrytest
