package ecrpublic

// RepositoryCatalogDataInput is what an owner writes about a repository for its page in the gallery.
type RepositoryCatalogDataInput struct {
	Description      *string  `json:"description" check:"len=..1024"`
	Architectures    []string `json:"architectures" check:"len=..50,item.len=1..50"`
	OperatingSystems []string `json:"operatingSystems" check:"len=..50,item.len=1..50"`
	LogoImageBlob    []byte   `json:"logoImageBlob" check:"len=0..512000"` // an image file
	AboutText        *string  `json:"aboutText" check:"len=..25600"`       // Markdown
	UsageText        *string  `json:"usageText" check:"len=..25600"`       // Markdown
}

// RepositoryCatalogData is what a repository's page in the gallery shows.
type RepositoryCatalogData struct {
	Description          *string  `json:"description" check:"len=..1024"`
	Architectures        []string `json:"architectures" check:"len=..50,item.len=1..50"`
	OperatingSystems     []string `json:"operatingSystems" check:"len=..50,item.len=1..50"`
	LogoUrl              *string  `json:"logoUrl" check:"len=..2048"`
	AboutText            *string  `json:"aboutText" check:"len=..25600"` // Markdown
	UsageText            *string  `json:"usageText" check:"len=..25600"` // Markdown
	MarketplaceCertified *bool    `json:"marketplaceCertified"`
}

// GetRepositoryCatalogDataRequest asks for the catalog data of a repository.
type GetRepositoryCatalogDataRequest struct {
	RegistryId     *string `json:"registryId" check:"pattern=registryId"`
	RepositoryName *string `json:"repositoryName" check:"required,len=2..205,pattern=repositoryName"`
}

// GetRepositoryCatalogDataResponse has the catalog data of a repository.
type GetRepositoryCatalogDataResponse struct {
	CatalogData *RepositoryCatalogData `json:"catalogData"`
}

// PutRepositoryCatalogDataRequest replaces the catalog data of a repository.
type PutRepositoryCatalogDataRequest struct {
	RegistryId     *string                     `json:"registryId" check:"pattern=registryId"`
	RepositoryName *string                     `json:"repositoryName" check:"required,len=2..205,pattern=repositoryName"`
	CatalogData    *RepositoryCatalogDataInput `json:"catalogData" check:"required"`
}

// PutRepositoryCatalogDataResponse has the catalog data as stored.
type PutRepositoryCatalogDataResponse struct {
	CatalogData *RepositoryCatalogData `json:"catalogData"`
}

// RegistryCatalogData is what the gallery shows of a registry.
type RegistryCatalogData struct {
	DisplayName *string `json:"displayName" check:"len=0..100"`
}

// GetRegistryCatalogDataRequest asks for the catalog data of the caller's registry.
type GetRegistryCatalogDataRequest struct{}

// GetRegistryCatalogDataResponse has the catalog data of the caller's registry.
type GetRegistryCatalogDataResponse struct {
	RegistryCatalogData *RegistryCatalogData `json:"registryCatalogData" check:"required"`
}

// PutRegistryCatalogDataRequest replaces the catalog data of the caller's registry.
type PutRegistryCatalogDataRequest struct {
	DisplayName *string `json:"displayName" check:"len=0..100"`
}

// PutRegistryCatalogDataResponse has the catalog data as stored.
type PutRegistryCatalogDataResponse struct {
	RegistryCatalogData *RegistryCatalogData `json:"registryCatalogData" check:"required"`
}
