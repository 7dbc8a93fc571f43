package ecrpublic

import smithy "github.com/aws/smithy-go"

// APIError is what every exception and [UnknownOperationError] is. It is the AWS SDK's interface, so errors.As finds
// our exceptions in code that was written for the SDK. The fault is the server's for [ServerException] alone.
type APIError = smithy.APIError

// errorText is how an exception reads: its code, and its message if it has one.
func errorText(e APIError) string {
	if message := e.ErrorMessage(); message != "" {
		return e.ErrorCode() + ": " + message
	}
	return e.ErrorCode()
}

// text is the string that a member holds, or "" when it is absent.
func text(member *string) string {
	if member == nil {
		return ""
	}
	return *member
}

// EmptyUploadException says that an upload without bytes cannot become a layer.
type EmptyUploadException struct {
	Message *string `json:"message"`
}

func (e *EmptyUploadException) Error() string                 { return errorText(e) }
func (e *EmptyUploadException) ErrorCode() string             { return "EmptyUploadException" }
func (e *EmptyUploadException) ErrorMessage() string          { return text(e.Message) }
func (e *EmptyUploadException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// ImageAlreadyExistsException says that the tag already points to this very image.
type ImageAlreadyExistsException struct {
	Message *string `json:"message"`
}

func (e *ImageAlreadyExistsException) Error() string                 { return errorText(e) }
func (e *ImageAlreadyExistsException) ErrorCode() string             { return "ImageAlreadyExistsException" }
func (e *ImageAlreadyExistsException) ErrorMessage() string          { return text(e.Message) }
func (e *ImageAlreadyExistsException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// ImageDigestDoesNotMatchException says that the manifest has another digest than the request says.
type ImageDigestDoesNotMatchException struct {
	Message *string `json:"message"`
}

func (e *ImageDigestDoesNotMatchException) Error() string { return errorText(e) }
func (e *ImageDigestDoesNotMatchException) ErrorCode() string {
	return "ImageDigestDoesNotMatchException"
}
func (e *ImageDigestDoesNotMatchException) ErrorMessage() string          { return text(e.Message) }
func (e *ImageDigestDoesNotMatchException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// ImageNotFoundException says that the repository has no such image.
type ImageNotFoundException struct {
	Message *string `json:"message"`
}

func (e *ImageNotFoundException) Error() string                 { return errorText(e) }
func (e *ImageNotFoundException) ErrorCode() string             { return "ImageNotFoundException" }
func (e *ImageNotFoundException) ErrorMessage() string          { return text(e.Message) }
func (e *ImageNotFoundException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// ImageTagAlreadyExistsException says that the tag exists and tags of the repository do not move.
type ImageTagAlreadyExistsException struct {
	Message *string `json:"message"`
}

func (e *ImageTagAlreadyExistsException) Error() string                 { return errorText(e) }
func (e *ImageTagAlreadyExistsException) ErrorCode() string             { return "ImageTagAlreadyExistsException" }
func (e *ImageTagAlreadyExistsException) ErrorMessage() string          { return text(e.Message) }
func (e *ImageTagAlreadyExistsException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// InvalidLayerException says that no digest of the request is that of the uploaded bytes.
type InvalidLayerException struct {
	Message *string `json:"message"`
}

func (e *InvalidLayerException) Error() string                 { return errorText(e) }
func (e *InvalidLayerException) ErrorCode() string             { return "InvalidLayerException" }
func (e *InvalidLayerException) ErrorMessage() string          { return text(e.Message) }
func (e *InvalidLayerException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// InvalidLayerPartException says that the part does not start where the upload ends. It names the upload and where that is.
type InvalidLayerPartException struct {
	RegistryId            *string `json:"registryId" check:"pattern=registryId"`
	RepositoryName        *string `json:"repositoryName" check:"len=2..205,pattern=repositoryName"`
	UploadId              *string `json:"uploadId" check:"pattern=uploadId"`
	LastValidByteReceived *int64  `json:"lastValidByteReceived" check:"value=0.."` // inclusive
	Message               *string `json:"message"`
}

func (e *InvalidLayerPartException) Error() string                 { return errorText(e) }
func (e *InvalidLayerPartException) ErrorCode() string             { return "InvalidLayerPartException" }
func (e *InvalidLayerPartException) ErrorMessage() string          { return text(e.Message) }
func (e *InvalidLayerPartException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// InvalidParameterException says that a member of the request breaks a rule.
type InvalidParameterException struct {
	Message *string `json:"message"`
}

func (e *InvalidParameterException) Error() string                 { return errorText(e) }
func (e *InvalidParameterException) ErrorCode() string             { return "InvalidParameterException" }
func (e *InvalidParameterException) ErrorMessage() string          { return text(e.Message) }
func (e *InvalidParameterException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// InvalidTagParameterException says that a resource tag of the request breaks a rule.
type InvalidTagParameterException struct {
	Message *string `json:"message"`
}

func (e *InvalidTagParameterException) Error() string                 { return errorText(e) }
func (e *InvalidTagParameterException) ErrorCode() string             { return "InvalidTagParameterException" }
func (e *InvalidTagParameterException) ErrorMessage() string          { return text(e.Message) }
func (e *InvalidTagParameterException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// LayerAlreadyExistsException says that the repository already has the layer.
type LayerAlreadyExistsException struct {
	Message *string `json:"message"`
}

func (e *LayerAlreadyExistsException) Error() string                 { return errorText(e) }
func (e *LayerAlreadyExistsException) ErrorCode() string             { return "LayerAlreadyExistsException" }
func (e *LayerAlreadyExistsException) ErrorMessage() string          { return text(e.Message) }
func (e *LayerAlreadyExistsException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// LayerPartTooSmallException says that a part that is not the last has fewer than 5 MiB.
type LayerPartTooSmallException struct {
	Message *string `json:"message"`
}

func (e *LayerPartTooSmallException) Error() string                 { return errorText(e) }
func (e *LayerPartTooSmallException) ErrorCode() string             { return "LayerPartTooSmallException" }
func (e *LayerPartTooSmallException) ErrorMessage() string          { return text(e.Message) }
func (e *LayerPartTooSmallException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// LayersNotFoundException says that the manifest names layers that the repository does not have.
type LayersNotFoundException struct {
	Message *string `json:"message"`
}

func (e *LayersNotFoundException) Error() string                 { return errorText(e) }
func (e *LayersNotFoundException) ErrorCode() string             { return "LayersNotFoundException" }
func (e *LayersNotFoundException) ErrorMessage() string          { return text(e.Message) }
func (e *LayersNotFoundException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// LimitExceededException says that a quota is used up.
type LimitExceededException struct {
	Message *string `json:"message"`
}

func (e *LimitExceededException) Error() string                 { return errorText(e) }
func (e *LimitExceededException) ErrorCode() string             { return "LimitExceededException" }
func (e *LimitExceededException) ErrorMessage() string          { return text(e.Message) }
func (e *LimitExceededException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// ReferencedImagesNotFoundException says that the manifest list names images that the repository does not have.
type ReferencedImagesNotFoundException struct {
	Message *string `json:"message"`
}

func (e *ReferencedImagesNotFoundException) Error() string { return errorText(e) }
func (e *ReferencedImagesNotFoundException) ErrorCode() string {
	return "ReferencedImagesNotFoundException"
}
func (e *ReferencedImagesNotFoundException) ErrorMessage() string          { return text(e.Message) }
func (e *ReferencedImagesNotFoundException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// RegistryNotFoundException says that there is no such registry.
type RegistryNotFoundException struct {
	Message *string `json:"message"`
}

func (e *RegistryNotFoundException) Error() string                 { return errorText(e) }
func (e *RegistryNotFoundException) ErrorCode() string             { return "RegistryNotFoundException" }
func (e *RegistryNotFoundException) ErrorMessage() string          { return text(e.Message) }
func (e *RegistryNotFoundException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// RepositoryAlreadyExistsException says that the registry already has a repository of that name.
type RepositoryAlreadyExistsException struct {
	Message *string `json:"message"`
}

func (e *RepositoryAlreadyExistsException) Error() string { return errorText(e) }
func (e *RepositoryAlreadyExistsException) ErrorCode() string {
	return "RepositoryAlreadyExistsException"
}
func (e *RepositoryAlreadyExistsException) ErrorMessage() string          { return text(e.Message) }
func (e *RepositoryAlreadyExistsException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// RepositoryCatalogDataNotFoundException says that the repository has no catalog data.
type RepositoryCatalogDataNotFoundException struct {
	Message *string `json:"message"`
}

func (e *RepositoryCatalogDataNotFoundException) Error() string { return errorText(e) }
func (e *RepositoryCatalogDataNotFoundException) ErrorCode() string {
	return "RepositoryCatalogDataNotFoundException"
}
func (e *RepositoryCatalogDataNotFoundException) ErrorMessage() string { return text(e.Message) }
func (e *RepositoryCatalogDataNotFoundException) ErrorFault() smithy.ErrorFault {
	return smithy.FaultClient
}

// RepositoryNotEmptyException says that the repository still has images, and the request does not force.
type RepositoryNotEmptyException struct {
	Message *string `json:"message"`
}

func (e *RepositoryNotEmptyException) Error() string                 { return errorText(e) }
func (e *RepositoryNotEmptyException) ErrorCode() string             { return "RepositoryNotEmptyException" }
func (e *RepositoryNotEmptyException) ErrorMessage() string          { return text(e.Message) }
func (e *RepositoryNotEmptyException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// RepositoryNotFoundException says that the registry has no such repository.
type RepositoryNotFoundException struct {
	Message *string `json:"message"`
}

func (e *RepositoryNotFoundException) Error() string                 { return errorText(e) }
func (e *RepositoryNotFoundException) ErrorCode() string             { return "RepositoryNotFoundException" }
func (e *RepositoryNotFoundException) ErrorMessage() string          { return text(e.Message) }
func (e *RepositoryNotFoundException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// RepositoryPolicyNotFoundException says that the repository has no policy.
type RepositoryPolicyNotFoundException struct {
	Message *string `json:"message"`
}

func (e *RepositoryPolicyNotFoundException) Error() string { return errorText(e) }
func (e *RepositoryPolicyNotFoundException) ErrorCode() string {
	return "RepositoryPolicyNotFoundException"
}
func (e *RepositoryPolicyNotFoundException) ErrorMessage() string          { return text(e.Message) }
func (e *RepositoryPolicyNotFoundException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// ServerException says that the service failed. It is the only exception that is not the caller's fault.
type ServerException struct {
	Message *string `json:"message"`
}

func (e *ServerException) Error() string                 { return errorText(e) }
func (e *ServerException) ErrorCode() string             { return "ServerException" }
func (e *ServerException) ErrorMessage() string          { return text(e.Message) }
func (e *ServerException) ErrorFault() smithy.ErrorFault { return smithy.FaultServer }

// TooManyTagsException says that the resource would have more tags than it may.
type TooManyTagsException struct {
	Message *string `json:"message"`
}

func (e *TooManyTagsException) Error() string                 { return errorText(e) }
func (e *TooManyTagsException) ErrorCode() string             { return "TooManyTagsException" }
func (e *TooManyTagsException) ErrorMessage() string          { return text(e.Message) }
func (e *TooManyTagsException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// UnsupportedCommandException says that the service does not offer the operation here.
type UnsupportedCommandException struct {
	Message *string `json:"message"`
}

func (e *UnsupportedCommandException) Error() string                 { return errorText(e) }
func (e *UnsupportedCommandException) ErrorCode() string             { return "UnsupportedCommandException" }
func (e *UnsupportedCommandException) ErrorMessage() string          { return text(e.Message) }
func (e *UnsupportedCommandException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// UploadNotFoundException says that there is no such upload in the repository.
type UploadNotFoundException struct {
	Message *string `json:"message"`
}

func (e *UploadNotFoundException) Error() string                 { return errorText(e) }
func (e *UploadNotFoundException) ErrorCode() string             { return "UploadNotFoundException" }
func (e *UploadNotFoundException) ErrorMessage() string          { return text(e.Message) }
func (e *UploadNotFoundException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }
