package ecrapi

import (
	"context"
	"regexp"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// layerDigest is what counts as a well-formed digest in this API. A digest of this form that cannot be that of any
// layer (another algorithm, another length) is simply not available.
var layerDigest = regexp.MustCompile(`^[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+$`)

// Why nothing is said about a digest. The texts of the real service are not known; these follow those that it gives
// for image digests.
const (
	missingLayerDigest = "Invalid request parameters: layer digest cannot be null"
	invalidLayerDigest = "Invalid request parameters: layer digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'"
)

// batchCheckLayerAvailability answers once for each distinct digest, in the order of first occurrence. Both lists are
// always there: clients of the real service tell "absent" by an entry in layers, never by a failure.
func (s *Server) batchCheckLayerAvailability(ctx context.Context, caller registry.Caller, in *ecrpublic.BatchCheckLayerAvailabilityRequest) (*ecrpublic.BatchCheckLayerAvailabilityResponse, error) {
	out := &ecrpublic.BatchCheckLayerAvailabilityResponse{Layers: []ecrpublic.Layer{}, Failures: []ecrpublic.LayerFailure{}}
	seen := make(map[string]bool, len(in.LayerDigests))
	digests := make([]ref.Digest, 0, len(in.LayerDigests))
	for _, text := range in.LayerDigests {
		if seen[text] {
			continue
		}
		seen[text] = true
		if failure, failed := layerFailure(text); failed {
			out.Failures = append(out.Failures, failure)
			continue
		}
		out.Layers = append(out.Layers, ecrpublic.Layer{LayerDigest: ptr(text), LayerAvailability: ptr(ecrpublic.LayerAvailabilityUnavailable)})
		if d, err := ref.ParseDigest(text); err == nil {
			digests = append(digests, d)
		}
	}
	statuses, err := s.Registry.CheckLayers(ctx, caller, path(in.RegistryId, in.RepositoryName), digests)
	if err != nil {
		return nil, err
	}
	available := make(map[string]registry.LayerStatus, len(statuses))
	for _, status := range statuses {
		if status.Available {
			available[status.Digest.String()] = status
		}
	}
	for i := range out.Layers {
		if status, ok := available[*out.Layers[i].LayerDigest]; ok {
			out.Layers[i].LayerAvailability = ptr(ecrpublic.LayerAvailabilityAvailable)
			out.Layers[i].LayerSize = ptr(status.Size)
			out.Layers[i].MediaType = ptr(status.MediaType)
		}
	}
	return out, nil
}

func layerFailure(digest string) (ecrpublic.LayerFailure, bool) {
	switch {
	case digest == "":
		return ecrpublic.LayerFailure{LayerDigest: ptr(digest), FailureCode: ptr(ecrpublic.LayerFailureCodeMissingLayerDigest), FailureReason: ptr(missingLayerDigest)}, true
	case !layerDigest.MatchString(digest):
		return ecrpublic.LayerFailure{LayerDigest: ptr(digest), FailureCode: ptr(ecrpublic.LayerFailureCodeInvalidLayerDigest), FailureReason: ptr(invalidLayerDigest)}, true
	}
	return ecrpublic.LayerFailure{}, false
}

func (s *Server) initiateLayerUpload(ctx context.Context, caller registry.Caller, in *ecrpublic.InitiateLayerUploadRequest) (*ecrpublic.InitiateLayerUploadResponse, error) {
	up, err := s.Registry.StartUpload(ctx, caller, path(in.RegistryId, in.RepositoryName))
	if err != nil {
		return nil, err
	}
	return &ecrpublic.InitiateLayerUploadResponse{UploadId: ptr(up.ID), PartSize: ptr(int64(registry.PartSize))}, nil
}

func (s *Server) completeLayerUpload(ctx context.Context, caller registry.Caller, in *ecrpublic.CompleteLayerUploadRequest) (*ecrpublic.CompleteLayerUploadResponse, error) {
	rules := registry.FinishRules{RefuseEmpty: true, RefuseShortParts: true}
	layer, err := s.Registry.FinishUpload(ctx, caller, path(in.RegistryId, in.RepositoryName), *in.UploadId, in.LayerDigests, rules)
	if err != nil {
		return nil, err
	}
	account, err := s.Registry.AccountOf(ctx, caller, value(in.RegistryId))
	if err != nil {
		return nil, err
	}
	return &ecrpublic.CompleteLayerUploadResponse{
		RegistryId:     ptr(string(account)),
		RepositoryName: in.RepositoryName,
		UploadId:       in.UploadId,
		LayerDigest:    ptr(layer.Digest.String()),
	}, nil
}
