package ecrpublic

import "time"

// RegistryAliasStatus says whether an alias may be used.
type RegistryAliasStatus string

// The states of an alias.
const (
	RegistryAliasStatusActive   RegistryAliasStatus = "ACTIVE"
	RegistryAliasStatusPending  RegistryAliasStatus = "PENDING"
	RegistryAliasStatusRejected RegistryAliasStatus = "REJECTED"
)

// Values returns the known values.
func (RegistryAliasStatus) Values() []string {
	return []string{
		string(RegistryAliasStatusActive),
		string(RegistryAliasStatusPending),
		string(RegistryAliasStatusRejected),
	}
}

// RegistryAlias is a name of a registry, the first part of the path of its images.
type RegistryAlias struct {
	Name                 *string              `json:"name" check:"required,len=2..50,pattern=registryAlias"`
	Status               *RegistryAliasStatus `json:"status" check:"required"`
	PrimaryRegistryAlias *bool                `json:"primaryRegistryAlias" check:"required"` // the one in repository URIs
	DefaultRegistryAlias *bool                `json:"defaultRegistryAlias" check:"required"` // the one given by the service
}

// Registry is the public registry of an account.
type Registry struct {
	RegistryId  *string         `json:"registryId" check:"required,pattern=registryId"`
	RegistryArn *string         `json:"registryArn" check:"required,len=1..2048"`
	RegistryUri *string         `json:"registryUri" check:"required"` // host and primary alias
	Verified    *bool           `json:"verified" check:"required"`
	Aliases     []RegistryAlias `json:"aliases" check:"required"`
}

// DescribeRegistriesRequest asks for the registries of the caller, in pages.
type DescribeRegistriesRequest struct {
	NextToken  *string `json:"nextToken"`
	MaxResults *int32  `json:"maxResults" check:"value=1..1000"`
}

// DescribeRegistriesResponse is a page of registries.
type DescribeRegistriesResponse struct {
	Registries []Registry `json:"registries" check:"required"`
	NextToken  *string    `json:"nextToken"`
}

// AuthorizationData is a password for docker login.
type AuthorizationData struct {
	AuthorizationToken *string    `json:"authorizationToken" check:"pattern=notBlank"` // base64 of "AWS:" and the password
	ExpiresAt          *time.Time `json:"expiresAt"`
}

// GetAuthorizationTokenRequest asks for a password.
type GetAuthorizationTokenRequest struct{}

// GetAuthorizationTokenResponse has a password.
type GetAuthorizationTokenResponse struct {
	AuthorizationData *AuthorizationData `json:"authorizationData"`
}
