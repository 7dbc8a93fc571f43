// Package e2e drives the real openecr binary with the real clients: docker, skopeo, podman, buildah, ctr, crane,
// regctl, helm, the AWS CLI, boto3 and the AWS SDK for Go. `make test` runs it; `make e2e` runs it alone.
//
// It is not the place for rules that one package can show alone: those are tested beside the code. Everything here
// has the build tag e2e and needs what `make tools` installs, and root, because a docker engine, mounts and name
// spaces do. A missing tool is a failure.
//
// The rig: process.go and tool.go run programs; server.go runs openecr over the stores of stores.go and reads its log;
// fleet.go and fleetbalancer.go are several nodes behind a balancer, and a load that counts what fails; docker.go,
// skopeo.go, podman.go, awscli.go, warmaws.go, boto3.go and sdk.go are the clients; layout.go makes the images and
// apipush.go pushes them by the API alone; reader.go is a browser, looks.go what it judges pages by, gallery.go what it
// is shown; registry.go speaks raw HTTP; tlsproxy.go stands in front of the server under another name, deployproxy.go
// does so with the proxies that deploy/ has configurations for; deploy.go runs the container image. Folders libraries
// and manifests are modules of their own: programs over oras-go and ociclient, and over the types of Kubernetes and
// Compose. capacity_test.go, with the further tag capacity, measures docs/capacity.md.
// The *_test.go files say what is true. testdata/*.wire are tables of bad requests and their answers, to be read without
// the code.
//
// Every test starts its own server on a free loopback port, with a data folder of its own.
package e2e
