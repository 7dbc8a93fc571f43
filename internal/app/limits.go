package app

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/ociapi"
	"github.com/openecr/openecr/internal/registry"
)

// Limits are the quotas of every account, and how fast it may call. The defaults of the quotas are those of the real
// service; it also limits rates, which a server of one's own rarely wants.
type Limits struct {
	MaxRepositories int      `help:"Repositories of an account. Default: ${default}." default:"10000" env:"OPENECR_MAX_REPOSITORIES" placeholder:"N"`
	MaxImages       int      `help:"Images of a repository. Default: ${default}." default:"100000" env:"OPENECR_MAX_IMAGES" placeholder:"N"`
	MaxImageTags    int      `help:"Tags of an image. Default: ${default}." default:"1000" env:"OPENECR_MAX_IMAGE_TAGS" placeholder:"N"`
	MaxLayerParts   int      `help:"Parts of a layer that is uploaded through the API. Default: ${default}." default:"1000" env:"OPENECR_MAX_LAYER_PARTS" placeholder:"N"`
	MaxLayerSize    int64    `help:"Size of a layer in MiB. Default: ${default}." default:"10000" env:"OPENECR_MAX_LAYER_SIZE" placeholder:"MIB"`
	MaxResourceTags int      `help:"Resource tags of a repository or registry. Default: ${default}." default:"50" env:"OPENECR_MAX_RESOURCE_TAGS" placeholder:"N"`
	RateLimits      []string `name:"rate-limit" help:"Calls that an account may make: OPERATION=PER_SECOND or OPERATION=PER_SECOND:BURST. OPERATION is one of the API or of the registry (manifestGet, blobGet, ...), or * for each of the others. Default: no limit." env:"OPENECR_RATE_LIMITS" placeholder:"LIMIT"`
}

// quotas checks the options. Zero is the default, as to package registry.
func (l Limits) quotas() (registry.Limits, error) {
	for _, o := range []struct {
		name  string
		value int64
	}{
		{"--max-repositories", int64(l.MaxRepositories)},
		{"--max-images", int64(l.MaxImages)},
		{"--max-image-tags", int64(l.MaxImageTags)},
		{"--max-layer-parts", int64(l.MaxLayerParts)},
		{"--max-layer-size", l.MaxLayerSize},
		{"--max-resource-tags", int64(l.MaxResourceTags)},
	} {
		if o.value < 0 {
			return registry.Limits{}, fmt.Errorf("%s is %d: it must be at least 1, or 0 for the default", o.name, o.value)
		}
	}
	const most = 1 << 40 // MiB; more does not fit an int64 of bytes
	if l.MaxLayerSize > most {
		return registry.Limits{}, fmt.Errorf("--max-layer-size is %d: it must be at most %d", l.MaxLayerSize, int64(most))
	}
	return registry.Limits{
		Repositories:        l.MaxRepositories,
		ImagesPerRepository: l.MaxImages,
		TagsPerImage:        l.MaxImageTags,
		LayerParts:          l.MaxLayerParts,
		LayerBytes:          l.MaxLayerSize << 20,
		ResourceTags:        l.MaxResourceTags,
	}, nil
}

// rate is how often something may happen.
type rate struct {
	perSecond float64
	burst     float64
}

// anyOperation stands for each operation that has no rate of its own.
const anyOperation = "*"

// rates are the rate limits by operation.
func (l Limits) rates() (map[string]rate, error) {
	rates := make(map[string]rate, len(l.RateLimits))
	for _, limit := range l.RateLimits {
		operation, value, _ := strings.Cut(limit, "=")
		perSecond, burst, hasBurst := strings.Cut(value, ":")
		var r rate
		var err error
		if r.perSecond, err = strconv.ParseFloat(perSecond, 64); err != nil || !(r.perSecond > 0 && r.perSecond <= 1e6) {
			return nil, fmt.Errorf("--rate-limit %q: write OPERATION=PER_SECOND or OPERATION=PER_SECOND:BURST, with more than 0 and at most 1000000 calls a second", limit)
		}
		r.burst = max(1, r.perSecond)
		if hasBurst {
			if r.burst, err = strconv.ParseFloat(burst, 64); err != nil || !(r.burst >= 1 && r.burst <= 1e6) {
				return nil, fmt.Errorf("--rate-limit %q: BURST must be 1 to 1000000 calls", limit)
			}
		}
		if !isOperation(operation) {
			return nil, fmt.Errorf("--rate-limit %q: there is no operation %q", limit, operation)
		}
		rates[operation] = r
	}
	return rates, nil
}

// isOperation knows the operations of both wires.
func isOperation(name string) bool {
	_, ok := ecrpublic.OperationByName(name)
	return ok || name == anyOperation || ociapi.IsKind(name)
}
