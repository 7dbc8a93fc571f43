package ecrpublic

// GetRepositoryPolicyRequest asks for the policy of a repository.
type GetRepositoryPolicyRequest struct {
	RegistryId     *string `json:"registryId" check:"pattern=registryId"`
	RepositoryName *string `json:"repositoryName" check:"required,len=2..205,pattern=repositoryName"`
}

// GetRepositoryPolicyResponse has the policy of a repository.
type GetRepositoryPolicyResponse struct {
	RegistryId     *string `json:"registryId" check:"pattern=registryId"`
	RepositoryName *string `json:"repositoryName" check:"len=2..205,pattern=repositoryName"`
	PolicyText     *string `json:"policyText" check:"len=0..10240"` // JSON
}

// SetRepositoryPolicyRequest replaces the policy of a repository. Force is needed for a policy that would keep its own
// author from setting another.
type SetRepositoryPolicyRequest struct {
	RegistryId     *string `json:"registryId" check:"pattern=registryId"`
	RepositoryName *string `json:"repositoryName" check:"required,len=2..205,pattern=repositoryName"`
	PolicyText     *string `json:"policyText" check:"required,len=0..10240"` // JSON
	Force          *bool   `json:"force"`
}

// SetRepositoryPolicyResponse has the policy as stored.
type SetRepositoryPolicyResponse struct {
	RegistryId     *string `json:"registryId" check:"pattern=registryId"`
	RepositoryName *string `json:"repositoryName" check:"len=2..205,pattern=repositoryName"`
	PolicyText     *string `json:"policyText" check:"len=0..10240"` // JSON
}

// DeleteRepositoryPolicyRequest deletes the policy of a repository.
type DeleteRepositoryPolicyRequest struct {
	RegistryId     *string `json:"registryId" check:"pattern=registryId"`
	RepositoryName *string `json:"repositoryName" check:"required,len=2..205,pattern=repositoryName"`
}

// DeleteRepositoryPolicyResponse has the policy that was deleted.
type DeleteRepositoryPolicyResponse struct {
	RegistryId     *string `json:"registryId" check:"pattern=registryId"`
	RepositoryName *string `json:"repositoryName" check:"len=2..205,pattern=repositoryName"`
	PolicyText     *string `json:"policyText" check:"len=0..10240"` // JSON
}
