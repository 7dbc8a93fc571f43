package ecrpublic

import "time"

// ImageFailureCode says why an image could not be deleted.
type ImageFailureCode string

// The codes of an image failure.
const (
	ImageFailureCodeInvalidImageDigest            ImageFailureCode = "InvalidImageDigest"
	ImageFailureCodeInvalidImageTag               ImageFailureCode = "InvalidImageTag"
	ImageFailureCodeImageTagDoesNotMatchDigest    ImageFailureCode = "ImageTagDoesNotMatchDigest"
	ImageFailureCodeImageNotFound                 ImageFailureCode = "ImageNotFound"
	ImageFailureCodeMissingDigestAndTag           ImageFailureCode = "MissingDigestAndTag"
	ImageFailureCodeImageReferencedByManifestList ImageFailureCode = "ImageReferencedByManifestList"
	ImageFailureCodeKmsError                      ImageFailureCode = "KmsError"
)

// Values returns the known values.
func (ImageFailureCode) Values() []string {
	return []string{
		string(ImageFailureCodeInvalidImageDigest),
		string(ImageFailureCodeInvalidImageTag),
		string(ImageFailureCodeImageTagDoesNotMatchDigest),
		string(ImageFailureCodeImageNotFound),
		string(ImageFailureCodeMissingDigestAndTag),
		string(ImageFailureCodeImageReferencedByManifestList),
		string(ImageFailureCodeKmsError),
	}
}

// ImageIdentifier names an image by its digest, by a tag, or by both.
type ImageIdentifier struct {
	ImageDigest *string `json:"imageDigest"`
	ImageTag    *string `json:"imageTag" check:"len=1..300"`
}

// ImageFailure is an image that an operation on many could not treat.
type ImageFailure struct {
	ImageId       *ImageIdentifier  `json:"imageId"`
	FailureCode   *ImageFailureCode `json:"failureCode"`
	FailureReason *string           `json:"failureReason"`
}

// Image is an image with its manifest, byte for byte as it was put.
type Image struct {
	RegistryId             *string          `json:"registryId" check:"len=2..50"`
	RepositoryName         *string          `json:"repositoryName" check:"len=2..205,pattern=repositoryName"`
	ImageId                *ImageIdentifier `json:"imageId"`
	ImageManifest          *string          `json:"imageManifest" check:"len=1..4194304"`
	ImageManifestMediaType *string          `json:"imageManifestMediaType"`
}

// ImageDetail describes an image and all its tags.
type ImageDetail struct {
	RegistryId             *string    `json:"registryId" check:"pattern=registryId"`
	RepositoryName         *string    `json:"repositoryName" check:"len=2..205,pattern=repositoryName"`
	ImageDigest            *string    `json:"imageDigest"`
	ImageTags              []string   `json:"imageTags" check:"item.len=1..300"`
	ImageSizeInBytes       *int64     `json:"imageSizeInBytes"` // of its layers, compressed
	ImagePushedAt          *time.Time `json:"imagePushedAt"`
	ImageManifestMediaType *string    `json:"imageManifestMediaType"`
	ArtifactMediaType      *string    `json:"artifactMediaType"`
}

// ReferencedImageDetail describes the image that a tag points to.
type ReferencedImageDetail struct {
	ImageDigest            *string    `json:"imageDigest"`
	ImageSizeInBytes       *int64     `json:"imageSizeInBytes"` // of its layers, compressed
	ImagePushedAt          *time.Time `json:"imagePushedAt"`
	ImageManifestMediaType *string    `json:"imageManifestMediaType"`
	ArtifactMediaType      *string    `json:"artifactMediaType"`
}

// ImageTagDetail describes a tag.
type ImageTagDetail struct {
	ImageTag    *string                `json:"imageTag" check:"len=1..300"`
	CreatedAt   *time.Time             `json:"createdAt"`
	ImageDetail *ReferencedImageDetail `json:"imageDetail"`
}

// PutImageRequest stores a manifest, and points a tag to it if one is given.
type PutImageRequest struct {
	RegistryId             *string `json:"registryId" check:"len=2..50"` // account id or alias
	RepositoryName         *string `json:"repositoryName" check:"required,len=2..205,pattern=repositoryName"`
	ImageManifest          *string `json:"imageManifest" check:"required,len=1..4194304"`
	ImageManifestMediaType *string `json:"imageManifestMediaType"` // needed where the manifest does not say its own
	ImageTag               *string `json:"imageTag" check:"len=1..300"`
	ImageDigest            *string `json:"imageDigest"` // what the manifest must have
}

// PutImageResponse has the stored image.
type PutImageResponse struct {
	Image *Image `json:"image"`
}

// BatchDeleteImageRequest deletes images by digest and tags by name.
type BatchDeleteImageRequest struct {
	RegistryId     *string           `json:"registryId" check:"len=2..50"` // account id or alias
	RepositoryName *string           `json:"repositoryName" check:"required,len=2..205,pattern=repositoryName"`
	ImageIds       []ImageIdentifier `json:"imageIds" check:"required,len=1..100"`
}

// BatchDeleteImageResponse tells what was deleted and what was not.
type BatchDeleteImageResponse struct {
	ImageIds []ImageIdentifier `json:"imageIds" check:"len=1..100"`
	Failures []ImageFailure    `json:"failures"`
}

// DescribeImagesRequest asks for the images of a repository: all of them in pages, or those in ImageIds.
type DescribeImagesRequest struct {
	RegistryId     *string           `json:"registryId" check:"pattern=registryId"`
	RepositoryName *string           `json:"repositoryName" check:"required,len=2..205,pattern=repositoryName"`
	ImageIds       []ImageIdentifier `json:"imageIds" check:"len=1..100"`
	NextToken      *string           `json:"nextToken"`
	MaxResults     *int32            `json:"maxResults" check:"value=1..1000"`
}

// DescribeImagesResponse is a page of images.
type DescribeImagesResponse struct {
	ImageDetails []ImageDetail `json:"imageDetails"`
	NextToken    *string       `json:"nextToken"`
}

// DescribeImageTagsRequest asks for the tags of a repository, in pages.
type DescribeImageTagsRequest struct {
	RegistryId     *string `json:"registryId" check:"pattern=registryId"`
	RepositoryName *string `json:"repositoryName" check:"required,len=2..205,pattern=repositoryName"`
	NextToken      *string `json:"nextToken"`
	MaxResults     *int32  `json:"maxResults" check:"value=1..1000"`
}

// DescribeImageTagsResponse is a page of tags.
type DescribeImageTagsResponse struct {
	ImageTagDetails []ImageTagDetail `json:"imageTagDetails"`
	NextToken       *string          `json:"nextToken"`
}
