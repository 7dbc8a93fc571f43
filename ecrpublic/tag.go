package ecrpublic

// Tag is a label on a repository, for its owner's accounting. It has nothing to do with the tags of images. Unlike
// every other member of the API its names begin with capitals.
type Tag struct {
	Key   *string `json:"Key" check:"len=1..128"`
	Value *string `json:"Value" check:"len=0..256"`
}

// ListTagsForResourceRequest asks for the tags of a repository.
type ListTagsForResourceRequest struct {
	ResourceArn *string `json:"resourceArn" check:"required,len=1..2048"`
}

// ListTagsForResourceResponse has the tags of a repository.
type ListTagsForResourceResponse struct {
	Tags []Tag `json:"tags" check:"len=0..200"`
}

// TagResourceRequest sets tags of a repository and leaves its others alone.
type TagResourceRequest struct {
	ResourceArn *string `json:"resourceArn" check:"required,len=1..2048"`
	Tags        []Tag   `json:"tags" check:"required,len=0..200"`
}

// TagResourceResponse is empty.
type TagResourceResponse struct{}

// UntagResourceRequest removes tags of a repository.
type UntagResourceRequest struct {
	ResourceArn *string  `json:"resourceArn" check:"required,len=1..2048"`
	TagKeys     []string `json:"tagKeys" check:"required,len=0..200,item.len=1..128"`
}

// UntagResourceResponse is empty.
type UntagResourceResponse struct{}
