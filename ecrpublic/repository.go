package ecrpublic

import "time"

// Repository is a repository of a public registry.
type Repository struct {
	RepositoryArn  *string    `json:"repositoryArn" check:"len=1..2048"`
	RegistryId     *string    `json:"registryId" check:"pattern=registryId"`
	RepositoryName *string    `json:"repositoryName" check:"len=2..205,pattern=repositoryName"`
	RepositoryUri  *string    `json:"repositoryUri"` // host, alias and name, what docker takes
	CreatedAt      *time.Time `json:"createdAt"`
}

// CreateRepositoryRequest makes a repository.
type CreateRepositoryRequest struct {
	RepositoryName *string                     `json:"repositoryName" check:"required,len=2..205,pattern=repositoryName"`
	CatalogData    *RepositoryCatalogDataInput `json:"catalogData"`
	Tags           []Tag                       `json:"tags" check:"len=0..200"`
}

// CreateRepositoryResponse has the new repository.
type CreateRepositoryResponse struct {
	Repository  *Repository            `json:"repository"`
	CatalogData *RepositoryCatalogData `json:"catalogData"`
}

// DeleteRepositoryRequest deletes a repository; one that holds images only with Force.
type DeleteRepositoryRequest struct {
	RegistryId     *string `json:"registryId" check:"pattern=registryId"`
	RepositoryName *string `json:"repositoryName" check:"required,len=2..205,pattern=repositoryName"`
	Force          *bool   `json:"force"`
}

// DeleteRepositoryResponse has the repository that was deleted.
type DeleteRepositoryResponse struct {
	Repository *Repository `json:"repository"`
}

// DescribeRepositoriesRequest asks for the repositories of a registry: all of them in pages, or those in
// RepositoryNames.
type DescribeRepositoriesRequest struct {
	RegistryId      *string  `json:"registryId" check:"pattern=registryId"`
	RepositoryNames []string `json:"repositoryNames" check:"len=1..100,item.len=2..205,item.pattern=repositoryName"`
	NextToken       *string  `json:"nextToken"`
	MaxResults      *int32   `json:"maxResults" check:"value=1..1000"`
}

// DescribeRepositoriesResponse is a page of repositories.
type DescribeRepositoriesResponse struct {
	Repositories []Repository `json:"repositories"`
	NextToken    *string      `json:"nextToken"`
}
