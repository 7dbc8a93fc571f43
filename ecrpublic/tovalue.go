package ecrpublic

// ToValue gives a structure as a tree of values: its members in the order of the API, absent ones left out. The way
// back is [FromValue].

func (s Layer) ToValue() Structure                               { return toValue(s) }
func (s LayerFailure) ToValue() Structure                        { return toValue(s) }
func (s BatchCheckLayerAvailabilityRequest) ToValue() Structure  { return toValue(s) }
func (s BatchCheckLayerAvailabilityResponse) ToValue() Structure { return toValue(s) }
func (s InitiateLayerUploadRequest) ToValue() Structure          { return toValue(s) }
func (s InitiateLayerUploadResponse) ToValue() Structure         { return toValue(s) }
func (s UploadLayerPartRequest) ToValue() Structure              { return toValue(s) }
func (s UploadLayerPartResponse) ToValue() Structure             { return toValue(s) }
func (s CompleteLayerUploadRequest) ToValue() Structure          { return toValue(s) }
func (s CompleteLayerUploadResponse) ToValue() Structure         { return toValue(s) }

func (s ImageIdentifier) ToValue() Structure           { return toValue(s) }
func (s ImageFailure) ToValue() Structure              { return toValue(s) }
func (s Image) ToValue() Structure                     { return toValue(s) }
func (s ImageDetail) ToValue() Structure               { return toValue(s) }
func (s ReferencedImageDetail) ToValue() Structure     { return toValue(s) }
func (s ImageTagDetail) ToValue() Structure            { return toValue(s) }
func (s PutImageRequest) ToValue() Structure           { return toValue(s) }
func (s PutImageResponse) ToValue() Structure          { return toValue(s) }
func (s BatchDeleteImageRequest) ToValue() Structure   { return toValue(s) }
func (s BatchDeleteImageResponse) ToValue() Structure  { return toValue(s) }
func (s DescribeImagesRequest) ToValue() Structure     { return toValue(s) }
func (s DescribeImagesResponse) ToValue() Structure    { return toValue(s) }
func (s DescribeImageTagsRequest) ToValue() Structure  { return toValue(s) }
func (s DescribeImageTagsResponse) ToValue() Structure { return toValue(s) }

func (s Repository) ToValue() Structure                   { return toValue(s) }
func (s CreateRepositoryRequest) ToValue() Structure      { return toValue(s) }
func (s CreateRepositoryResponse) ToValue() Structure     { return toValue(s) }
func (s DeleteRepositoryRequest) ToValue() Structure      { return toValue(s) }
func (s DeleteRepositoryResponse) ToValue() Structure     { return toValue(s) }
func (s DescribeRepositoriesRequest) ToValue() Structure  { return toValue(s) }
func (s DescribeRepositoriesResponse) ToValue() Structure { return toValue(s) }

func (s RepositoryCatalogDataInput) ToValue() Structure       { return toValue(s) }
func (s RepositoryCatalogData) ToValue() Structure            { return toValue(s) }
func (s GetRepositoryCatalogDataRequest) ToValue() Structure  { return toValue(s) }
func (s GetRepositoryCatalogDataResponse) ToValue() Structure { return toValue(s) }
func (s PutRepositoryCatalogDataRequest) ToValue() Structure  { return toValue(s) }
func (s PutRepositoryCatalogDataResponse) ToValue() Structure { return toValue(s) }
func (s RegistryCatalogData) ToValue() Structure              { return toValue(s) }
func (s GetRegistryCatalogDataRequest) ToValue() Structure    { return toValue(s) }
func (s GetRegistryCatalogDataResponse) ToValue() Structure   { return toValue(s) }
func (s PutRegistryCatalogDataRequest) ToValue() Structure    { return toValue(s) }
func (s PutRegistryCatalogDataResponse) ToValue() Structure   { return toValue(s) }

func (s RegistryAlias) ToValue() Structure                 { return toValue(s) }
func (s Registry) ToValue() Structure                      { return toValue(s) }
func (s DescribeRegistriesRequest) ToValue() Structure     { return toValue(s) }
func (s DescribeRegistriesResponse) ToValue() Structure    { return toValue(s) }
func (s AuthorizationData) ToValue() Structure             { return toValue(s) }
func (s GetAuthorizationTokenRequest) ToValue() Structure  { return toValue(s) }
func (s GetAuthorizationTokenResponse) ToValue() Structure { return toValue(s) }

func (s GetRepositoryPolicyRequest) ToValue() Structure     { return toValue(s) }
func (s GetRepositoryPolicyResponse) ToValue() Structure    { return toValue(s) }
func (s SetRepositoryPolicyRequest) ToValue() Structure     { return toValue(s) }
func (s SetRepositoryPolicyResponse) ToValue() Structure    { return toValue(s) }
func (s DeleteRepositoryPolicyRequest) ToValue() Structure  { return toValue(s) }
func (s DeleteRepositoryPolicyResponse) ToValue() Structure { return toValue(s) }

func (s Tag) ToValue() Structure                         { return toValue(s) }
func (s ListTagsForResourceRequest) ToValue() Structure  { return toValue(s) }
func (s ListTagsForResourceResponse) ToValue() Structure { return toValue(s) }
func (s TagResourceRequest) ToValue() Structure          { return toValue(s) }
func (s TagResourceResponse) ToValue() Structure         { return toValue(s) }
func (s UntagResourceRequest) ToValue() Structure        { return toValue(s) }
func (s UntagResourceResponse) ToValue() Structure       { return toValue(s) }

func (e *EmptyUploadException) ToValue() Structure                   { return toValue(e) }
func (e *ImageAlreadyExistsException) ToValue() Structure            { return toValue(e) }
func (e *ImageDigestDoesNotMatchException) ToValue() Structure       { return toValue(e) }
func (e *ImageNotFoundException) ToValue() Structure                 { return toValue(e) }
func (e *ImageTagAlreadyExistsException) ToValue() Structure         { return toValue(e) }
func (e *InvalidLayerException) ToValue() Structure                  { return toValue(e) }
func (e *InvalidLayerPartException) ToValue() Structure              { return toValue(e) }
func (e *InvalidParameterException) ToValue() Structure              { return toValue(e) }
func (e *InvalidTagParameterException) ToValue() Structure           { return toValue(e) }
func (e *LayerAlreadyExistsException) ToValue() Structure            { return toValue(e) }
func (e *LayerPartTooSmallException) ToValue() Structure             { return toValue(e) }
func (e *LayersNotFoundException) ToValue() Structure                { return toValue(e) }
func (e *LimitExceededException) ToValue() Structure                 { return toValue(e) }
func (e *ReferencedImagesNotFoundException) ToValue() Structure      { return toValue(e) }
func (e *RegistryNotFoundException) ToValue() Structure              { return toValue(e) }
func (e *RepositoryAlreadyExistsException) ToValue() Structure       { return toValue(e) }
func (e *RepositoryCatalogDataNotFoundException) ToValue() Structure { return toValue(e) }
func (e *RepositoryNotEmptyException) ToValue() Structure            { return toValue(e) }
func (e *RepositoryNotFoundException) ToValue() Structure            { return toValue(e) }
func (e *RepositoryPolicyNotFoundException) ToValue() Structure      { return toValue(e) }
func (e *ServerException) ToValue() Structure                        { return toValue(e) }
func (e *TooManyTagsException) ToValue() Structure                   { return toValue(e) }
func (e *UnsupportedCommandException) ToValue() Structure            { return toValue(e) }
func (e *UploadNotFoundException) ToValue() Structure                { return toValue(e) }
