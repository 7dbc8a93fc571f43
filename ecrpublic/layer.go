package ecrpublic

// LayerAvailability says whether a repository has a layer.
type LayerAvailability string

// The availabilities of a layer.
const (
	LayerAvailabilityAvailable   LayerAvailability = "AVAILABLE"
	LayerAvailabilityUnavailable LayerAvailability = "UNAVAILABLE"
)

// Values returns the known values.
func (LayerAvailability) Values() []string {
	return []string{string(LayerAvailabilityAvailable), string(LayerAvailabilityUnavailable)}
}

// LayerFailureCode says why nothing can be said about a layer.
type LayerFailureCode string

// The codes of a layer failure.
const (
	LayerFailureCodeInvalidLayerDigest LayerFailureCode = "InvalidLayerDigest"
	LayerFailureCodeMissingLayerDigest LayerFailureCode = "MissingLayerDigest"
)

// Values returns the known values.
func (LayerFailureCode) Values() []string {
	return []string{string(LayerFailureCodeInvalidLayerDigest), string(LayerFailureCodeMissingLayerDigest)}
}

// Layer is what a registry knows of one layer of a repository.
type Layer struct {
	LayerDigest       *string            `json:"layerDigest" check:"pattern=layerDigest"`
	LayerAvailability *LayerAvailability `json:"layerAvailability"`
	LayerSize         *int64             `json:"layerSize"` // bytes
	MediaType         *string            `json:"mediaType"`
}

// LayerFailure is a digest that could not be looked up, as it was asked for.
type LayerFailure struct {
	LayerDigest   *string           `json:"layerDigest" check:"len=0..1000"`
	FailureCode   *LayerFailureCode `json:"failureCode"`
	FailureReason *string           `json:"failureReason"`
}

// BatchCheckLayerAvailabilityRequest asks which of the digests are layers of a repository.
type BatchCheckLayerAvailabilityRequest struct {
	RegistryId     *string  `json:"registryId" check:"len=2..50"` // account id or alias
	RepositoryName *string  `json:"repositoryName" check:"required,len=2..205,pattern=repositoryName"`
	LayerDigests   []string `json:"layerDigests" check:"required,len=1..100,item.len=0..1000"`
}

// BatchCheckLayerAvailabilityResponse has a layer for every digest that could be looked up, there or not, and a
// failure for every other.
type BatchCheckLayerAvailabilityResponse struct {
	Layers   []Layer        `json:"layers"`
	Failures []LayerFailure `json:"failures"`
}

// InitiateLayerUploadRequest opens an upload.
type InitiateLayerUploadRequest struct {
	RegistryId     *string `json:"registryId" check:"len=2..50"` // account id or alias
	RepositoryName *string `json:"repositoryName" check:"required,len=2..205,pattern=repositoryName"`
}

// InitiateLayerUploadResponse names the upload.
type InitiateLayerUploadResponse struct {
	UploadId *string `json:"uploadId" check:"pattern=uploadId"`
	PartSize *int64  `json:"partSize" check:"value=0.."` // bytes, what the service likes a part to have
}

// UploadLayerPartRequest sends one part. The parts of an upload follow each other without gap or overlap.
type UploadLayerPartRequest struct {
	RegistryId     *string `json:"registryId" check:"len=2..50"` // account id or alias
	RepositoryName *string `json:"repositoryName" check:"required,len=2..205,pattern=repositoryName"`
	UploadId       *string `json:"uploadId" check:"required,pattern=uploadId"`
	PartFirstByte  *int64  `json:"partFirstByte" check:"required,value=0.."` // offset of the part in the layer
	PartLastByte   *int64  `json:"partLastByte" check:"required,value=0.."`  // inclusive
	LayerPartBlob  []byte  `json:"layerPartBlob" check:"required,len=0..20971520"`
}

// UploadLayerPartResponse confirms a part.
type UploadLayerPartResponse struct {
	RegistryId       *string `json:"registryId" check:"pattern=registryId"`
	RepositoryName   *string `json:"repositoryName" check:"len=2..205,pattern=repositoryName"`
	UploadId         *string `json:"uploadId" check:"pattern=uploadId"`
	LastByteReceived *int64  `json:"lastByteReceived" check:"value=0.."` // inclusive
}

// CompleteLayerUploadRequest turns an upload into a layer. One of the digests must be that of its bytes.
type CompleteLayerUploadRequest struct {
	RegistryId     *string  `json:"registryId" check:"len=2..50"` // account id or alias
	RepositoryName *string  `json:"repositoryName" check:"required,len=2..205,pattern=repositoryName"`
	UploadId       *string  `json:"uploadId" check:"required,pattern=uploadId"`
	LayerDigests   []string `json:"layerDigests" check:"required,len=1..100,item.pattern=layerDigest"`
}

// CompleteLayerUploadResponse names the new layer.
type CompleteLayerUploadResponse struct {
	RegistryId     *string `json:"registryId" check:"pattern=registryId"`
	RepositoryName *string `json:"repositoryName" check:"len=2..205,pattern=repositoryName"`
	UploadId       *string `json:"uploadId" check:"pattern=uploadId"`
	LayerDigest    *string `json:"layerDigest" check:"pattern=layerDigest"`
}
