package awscli

import "github.com/openecr/openecr/ecrpublic"

// An operationText is what help says about an operation.
type operationText struct {
	summary string // one line
	more    string // what else there is to know; may be empty
	note    string // who needs it; may be empty
}

const (
	forPushers = "Clients that push images call this operation by themselves. With docker, use docker push; `openecr push` and " +
		"`openecr push-layer` do it from files."
	ownersOnly = "Only the owner of the registry may call it."
)

// operationTexts has every operation and command by its name on the command line.
var operationTexts = map[string]operationText{
	"batch-check-layer-availability": {"Tell which layers a repository has.",
		"A push asks this before it sends anything: layers that are AVAILABLE need not be sent again.", forPushers},
	"batch-delete-image": {"Delete images of a repository, or tags of images.",
		"An image is named by its digest or by a tag. A digest deletes the image with all its tags. A tag deletes the tag, and " +
			"with its last tag an image is deleted too. What could not be deleted is listed in failures.", ""},
	"complete-layer-upload": {"Turn an upload into a layer of the repository.",
		"One of the digests must be the sha256 digest of the bytes that were sent.", forPushers},
	"create-repository": {"Make a repository in your public registry.", "", ""},
	"delete-repository": {"Delete a repository.",
		"One that holds images is deleted only with --force, and its images with it.", ""},
	"delete-repository-policy": {"Delete the policy of a repository.", "", ownersOnly},
	"describe-image-tags":      {"List the tags of a repository.", "", ""},
	"describe-images": {"List the images of a repository.",
		"All of them, or those that --image-ids names. Sizes are those of the compressed layers, which is less than docker images shows.", ""},
	"describe-registries":   {"Show your public registry and its aliases.", "", ""},
	"describe-repositories": {"List the repositories of a registry.", "All of them, or those that --repository-names names.", ""},
	"get-authorization-token": {"Get a token to sign in to the registry with.",
		"The token is base64 of AWS:PASSWORD and holds for 12 hours.",
		"get-login-password prints the password alone, as docker login takes it."},
	"get-registry-catalog-data":   {"Show what the gallery says about your registry.", "", ""},
	"get-repository-catalog-data": {"Show what the gallery says about a repository.", "", ""},
	"get-repository-policy":       {"Show the policy of a repository.", "", ""},
	"initiate-layer-upload": {"Begin to upload a layer.",
		"The answer names the upload and says how many bytes a part should have.", forPushers},
	"list-tags-for-resource": {"List the resource tags of a repository.",
		"Resource tags are keys and values that describe a repository; they are not the tags of its images.", ""},
	"put-image": {"Store an image manifest and, with --image-tag, point a tag at it.",
		"The layers that the manifest names must be in the repository.", forPushers},
	"put-registry-catalog-data":   {"Change what the gallery says about your registry.", "", ""},
	"put-repository-catalog-data": {"Change what the gallery says about a repository.", "What is left out is removed.", ""},
	"set-repository-policy": {"Set the policy of a repository, in place of the one it has.",
		"The policy says who else may push to the repository and delete from it.", ownersOnly},
	"tag-resource":   {"Add resource tags to a repository.", "A key that is there gets the new value.", ""},
	"untag-resource": {"Remove resource tags from a repository.", "Keys that are not there are no error.", ""},
	"upload-layer-part": {"Send a part of a layer.",
		"Parts follow each other without gap. Each but the last has at least 5 MiB, and none more than 20 MiB.", forPushers},
	loginCommand: {"Print a password for docker login.",
		"The user name is AWS. The password holds for 12 hours. Pass it on without showing it: " +
			"openecr ecr-public get-login-password | docker login --username AWS --password-stdin HOST", ""},
}

// structureTexts has every structure that is an item of a list or the value of a member.
var structureTexts = map[string]string{
	"AuthorizationData":          "A token and how long it holds.",
	"Image":                      "An image with its manifest.",
	"ImageDetail":                "An image and its tags.",
	"ImageFailure":               "An image that could not be deleted.",
	"ImageIdentifier":            "An image by its digest, a tag or both.",
	"ImageTagDetail":             "A tag and the image that it points to.",
	"Layer":                      "A layer and whether the repository has it.",
	"LayerFailure":               "A digest that could not be looked up.",
	"ReferencedImageDetail":      "The image that the tag points to.",
	"Registry":                   "A public registry.",
	"RegistryAlias":              "A name of the registry, the first part of the path of its images.",
	"RegistryCatalogData":        "What the gallery says about the registry.",
	"Repository":                 "A repository.",
	"RepositoryCatalogData":      "What the gallery says about the repository.",
	"RepositoryCatalogDataInput": "What the gallery shall say about the repository.",
	"Tag":                        "A resource tag.",
}

// memberTexts has every member by its structure and name, or by its name alone where it means the same in all others.
var memberTexts = map[string]string{
	"Key":                               "The key of the tag.",
	"Value":                             "The value of the tag; it may be empty.",
	"aboutText":                         "A long description of the repository in Markdown, for its page in the gallery.",
	"aliases":                           "The names of the registry.",
	"architectures":                     "The processor architectures that the images are for, such as ARM, ARM 64, x86 or x86-64.",
	"artifactMediaType":                 "The media type of the image's configuration, which says what kind of artifact it is.",
	"authorizationData":                 "The token.",
	"authorizationToken":                "Base64 of AWS:PASSWORD.",
	"catalogData":                       "What the gallery says about the repository.",
	"createdAt":                         "When it was made.",
	"defaultRegistryAlias":              "Whether it is the alias that the service gave the registry.",
	"description":                       "A short description of the repository, which the gallery shows in lists.",
	"displayName":                       "The name under which the gallery shows the registry; it is for verified accounts.",
	"expiresAt":                         "When the token ends.",
	"failureCode":                       "Why, as a code.",
	"failureReason":                     "Why, in words.",
	"failures":                          "What could not be done, and why.",
	"force":                             "Delete the repository even if it has images, and them with it.",
	"image":                             "The stored image.",
	"imageDetail":                       "The image that the tag points to.",
	"imageDetails":                      "The images.",
	"imageDigest":                       "The sha256 digest of the image's manifest.",
	"imageId":                           "The image as it was named.",
	"imageIds":                          "The images to delete, each by imageDigest, imageTag or both.",
	"imageManifest":                     "The manifest.",
	"imageManifestMediaType":            "The media type of the manifest.",
	"imagePushedAt":                     "When the image was pushed.",
	"imageSizeInBytes":                  "The size of the image's compressed layers, in bytes.",
	"imageTag":                          "The tag.",
	"imageTagDetails":                   "The tags.",
	"imageTags":                         "The tags of the image.",
	"lastByteReceived":                  "The place in the layer of the last byte that has arrived, counted from 0.",
	"layerAvailability":                 "AVAILABLE if the repository has the layer, else UNAVAILABLE.",
	"layerDigest":                       "The digest of the layer.",
	"layerDigests":                      "The digests of the layers to look for.",
	"layerPartBlob":                     "The bytes of the part, at best as fileb://FILE.",
	"layerSize":                         "The size of the layer, in bytes.",
	"layers":                            "The layers, in the order in which they were asked for.",
	"logoImageBlob":                     "The logo that the gallery shows, a PNG or JPEG image.",
	"logoUrl":                           "The address of the logo.",
	"marketplaceCertified":              "Whether the repository is certified by AWS Marketplace.",
	"maxResults":                        "How many results a page has at most.",
	"mediaType":                         "The media type of the layer, such as application/vnd.oci.image.layer.v1.tar+gzip.",
	"name":                              "The alias.",
	"nextToken":                         "Where the next page begins; it comes from the answer before.",
	"operatingSystems":                  "The operating systems that the images are for, such as Linux or Windows.",
	"partFirstByte":                     "The place of the part's first byte in the layer, counted from 0.",
	"partLastByte":                      "The place of the part's last byte in the layer, counted from 0.",
	"partSize":                          "How many bytes a part should have.",
	"policyText":                        "The policy, as JSON.",
	"primaryRegistryAlias":              "Whether it is the alias that addresses of repositories begin with.",
	"registries":                        "The registries.",
	"registryArn":                       "The Amazon Resource Name (ARN) of the registry.",
	"registryCatalogData":               "What the gallery says about the registry.",
	"registryId":                        "The number of the account whose registry it is; if left out, your own.",
	"registryUri":                       "The address of the registry, which names of images begin with.",
	"repositories":                      "The repositories.",
	"repository":                        "The repository.",
	"repositoryArn":                     "The Amazon Resource Name (ARN) of the repository.",
	"repositoryName":                    "The name of the repository.",
	"repositoryNames":                   "The names of the repositories to show; if left out, all.",
	"repositoryUri":                     "The address of the repository, as docker push and docker pull take it.",
	"resourceArn":                       "The Amazon Resource Name (ARN) of the repository.",
	"status":                            "Whether the alias is in use.",
	"tagKeys":                           "The keys of the tags to remove.",
	"tags":                              "The resource tags of the repository.",
	"uploadId":                          "The upload, as initiate-layer-upload has named it.",
	"usageText":                         "How to use the images, in Markdown, for the repository's page in the gallery.",
	"verified":                          "Whether the account is verified.",
	"BatchDeleteImageResponse.imageIds": "What was deleted.",
	"CompleteLayerUploadRequest.layerDigests":   "The digests of the layer. One of them must be its sha256 digest.",
	"DescribeImagesRequest.imageIds":            "The images to show, each by imageDigest, imageTag or both; if left out, all.",
	"PutImageRequest.imageDigest":               "The digest that the manifest must have.",
	"PutImageRequest.imageManifestMediaType":    "The media type of the manifest. It is needed if the manifest does not say it.",
	"PutImageRequest.imageTag":                  "The tag to point at the image. A manifest without one is reached by its digest.",
	"PutRegistryCatalogDataRequest.displayName": "The name under which the gallery shall show the registry.",
	"SetRepositoryPolicyRequest.force":          "Set the policy even if it keeps you from setting another.",
	"TagResourceRequest.tags":                   "The tags to add.",
}

// describe is what help says about a member of a structure.
func describe(s *ecrpublic.Shape, m *ecrpublic.Member) string {
	if text, ok := memberTexts[s.Name+"."+m.Name]; ok {
		return text
	}
	return memberTexts[m.Name]
}
