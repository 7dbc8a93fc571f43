package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
)

// block is a MiB of bytes that do not compress, another for each seed.
func block(seed uint64) []byte {
	b := make([]byte, 1<<20)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)}).Read(b) // never fails
	return b
}

// A layer is a block over and over.
type layer struct {
	content []byte
	size    int64
	digest  string
}

var layers struct {
	sync.Mutex
	made map[[2]int64]layer
}

// layerOf is the layer of that seed and size; its digest is computed once in a run of the program.
func layerOf(seed uint64, size int64) layer {
	layers.Lock()
	defer layers.Unlock()
	if l, ok := layers.made[[2]int64{int64(seed), size}]; ok {
		return l
	}
	l := layer{content: block(seed), size: size}
	h := sha256.New()
	for left := size; left > 0; left -= int64(len(l.content)) {
		h.Write(l.content[:min(left, int64(len(l.content)))])
	}
	l.digest = "sha256:" + hex.EncodeToString(h.Sum(nil))
	if layers.made == nil {
		layers.made = make(map[[2]int64]layer)
	}
	layers.made[[2]int64{int64(seed), size}] = l
	return l
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// push sends a layer as docker does with one PUT: POST for an address, then the bytes.
func (t *target) push(c *conn, l layer) error {
	begun, err := c.expect(http.StatusAccepted, request("POST", t.addr, base+"/blobs/uploads/", t.header), true)
	if err != nil {
		return err
	}
	path, err := localPath(begun.location)
	if err != nil {
		return err
	}
	separator := "?"
	for _, r := range path {
		if r == '?' {
			separator = "&"
		}
	}
	authorization := t.header
	if authorization != "" {
		authorization += "\r\n"
	}
	head := fmt.Sprintf("PUT %s%sdigest=%s HTTP/1.1\r\nHost: %s\r\n%sContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n",
		path, separator, l.digest, t.addr, authorization, l.size)
	a, err := c.stream([]byte(head), l.content, l.size)
	if err == nil && a.status != http.StatusCreated {
		err = fmt.Errorf("push of a layer: status %d: %.200s", a.status, a.body)
	}
	return err
}

// pushOn is push on a connection of its own.
func (t *target) pushOn(l layer) error {
	c, err := t.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	return t.push(c, l)
}

const manifestType = "application/vnd.oci.image.manifest.v1+json"

// manifestOf names a config and layers.
func manifestOf(config layer, layers ...layer) []byte {
	type descriptor struct {
		MediaType string `json:"mediaType"`
		Digest    string `json:"digest"`
		Size      int64  `json:"size"`
	}
	m := struct {
		SchemaVersion int          `json:"schemaVersion"`
		MediaType     string       `json:"mediaType"`
		Config        descriptor   `json:"config"`
		Layers        []descriptor `json:"layers"`
	}{2, manifestType, descriptor{"application/vnd.oci.image.config.v1+json", config.digest, config.size}, nil}
	for _, l := range layers {
		m.Layers = append(m.Layers, descriptor{"application/vnd.oci.image.layer.v1.tar+gzip", l.digest, l.size})
	}
	text, err := json.Marshal(m)
	if err != nil {
		panic(err) // strings and numbers
	}
	return text
}

// small is a layer of these bytes.
func small(b []byte) layer { return layer{content: b, size: int64(len(b)), digest: digestOf(b)} }

// pushImage pushes config, layers and manifest on one connection.
func (t *target) pushImage(c *conn, tag string, config layer, layers ...layer) ([]byte, error) {
	for _, l := range append([]layer{config}, layers...) {
		if err := t.push(c, l); err != nil {
			return nil, err
		}
	}
	manifest := manifestOf(config, layers...)
	_, err := c.expect(http.StatusCreated, requestWith("PUT", t.addr, base+"/manifests/"+tag, manifest, t.header, "Content-Type: "+manifestType), true)
	return manifest, err
}

func (t *target) pushImageOn(_ context.Context, tag string, config layer, layers ...layer) ([]byte, error) {
	c, err := t.dial()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return t.pushImage(c, tag, config, layers...)
}
