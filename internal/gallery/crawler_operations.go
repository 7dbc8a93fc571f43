package gallery

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

const (
	defaultCrawlResults = 100
	maxCrawlResults     = 1000 // as for DescribeImageTags
)

// crawlSize is how many results one answer has.
func crawlSize(maxResults *int) (int, error) {
	if maxResults == nil {
		return defaultCrawlResults, nil
	}
	if *maxResults < 1 || *maxResults > maxCrawlResults {
		return 0, &refusal{http.StatusBadRequest, "InvalidParameterException", fmt.Sprintf("maxResults is %d and must be 1 to %d.", *maxResults, maxCrawlResults)}
	}
	return *maxResults, nil
}

type searchCatalogInput struct {
	SearchTerm        string `json:"searchTerm"`
	SortConfiguration struct {
		SortKey string `json:"sortKey"`
	} `json:"sortConfiguration"`
	OperatingSystems []string `json:"operatingSystems"`
	Architectures    []string `json:"architectures"`
	RegistryVerified bool     `json:"registryVerified"`
	MaxResults       *int     `json:"maxResults"`
	NextToken        string   `json:"nextToken"`
}

type searchCatalogOutput struct {
	Results      []searchedRepository `json:"repositoryCatalogSearchResultList"`
	TotalResults int                  `json:"totalResults"`
	NextToken    string               `json:"nextToken,omitzero"`
}

type searchedRepository struct {
	RepositoryName        ref.RepositoryName `json:"repositoryName"`
	PrimaryAlias          ref.Alias          `json:"primaryRegistryAliasName"`
	DisplayName           string             `json:"displayName"`
	LogoURL               string             `json:"logoUrl,omitzero"`
	RepositoryDescription string             `json:"repositoryDescription,omitzero"`
	OperatingSystems      []string           `json:"operatingSystems"`
	Architectures         []string           `json:"architectures"`
	RegistryVerified      bool               `json:"registryVerified"`
	DownloadCount         int64              `json:"downloadCount"`
}

func (s *Server) searchCatalog(ctx context.Context, in searchCatalogInput) (searchCatalogOutput, error) {
	size, err := crawlSize(in.MaxResults)
	if err != nil {
		return searchCatalogOutput{}, err
	}
	q := registry.SearchQuery{Text: in.SearchTerm, OperatingSystems: in.OperatingSystems, Architectures: in.Architectures, Verified: in.RegistryVerified, Page: 1, Size: size}
	switch in.SortConfiguration.SortKey {
	case "POPULARITY":
		q.Sort = registry.ByPopularity
	case "RECENTLY_UPDATED":
		q.Sort = registry.ByDate
	}
	if in.NextToken != "" {
		if _, err := fmt.Sscanf(in.NextToken, "%d-%d", &q.Page, &q.Size); err != nil || q.Page < 1 || q.Size < 1 || q.Size > maxCrawlResults {
			return searchCatalogOutput{}, &refusal{http.StatusBadRequest, "InvalidParameterException", "nextToken is not one that this operation gave."}
		}
	}
	found, err := s.Registry.Search(ctx, q)
	if err != nil {
		return searchCatalogOutput{}, err
	}
	out := searchCatalogOutput{Results: make([]searchedRepository, len(found.Hits)), TotalResults: found.Total}
	for i, l := range found.Hits {
		out.Results[i] = searchedRepository{
			RepositoryName: l.Name, PrimaryAlias: l.Publisher.Alias, DisplayName: l.Publisher.DisplayName, RegistryVerified: l.Publisher.Verified,
			LogoURL: l.Logo, RepositoryDescription: l.Description, OperatingSystems: never(l.OperatingSystems), Architectures: never(l.Architectures),
			DownloadCount: l.Downloads,
		}
	}
	if q.Page*q.Size < found.Total {
		out.NextToken = fmt.Sprintf("%d-%d", q.Page+1, q.Size)
	}
	return out, nil
}

// never is the list, never null.
func never(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

type repositoryInput struct {
	RegistryAliasName string             `json:"registryAliasName"`
	RepositoryName    ref.RepositoryName `json:"repositoryName"`
	MaxResults        *int               `json:"maxResults"`
	NextToken         string             `json:"nextToken"`
}

func (in repositoryInput) path() registry.Path {
	return registry.Path{Registry: in.RegistryAliasName, Name: in.RepositoryName}
}

type describeTagsOutput struct {
	ImageTagDetails []imageTagDetail `json:"imageTagDetails"`
	NextToken       string           `json:"nextToken,omitzero"`
}

// imageTagDetail is that of the API, but for its times: here they are ISO 8601.
type imageTagDetail struct {
	ImageTag    ref.Tag     `json:"imageTag"`
	CreatedAt   time.Time   `json:"createdAt"`
	ImageDetail imageDetail `json:"imageDetail"`
}

type imageDetail struct {
	ImageDigest            string    `json:"imageDigest"`
	ImageSizeInBytes       int64     `json:"imageSizeInBytes"`
	ImagePushedAt          time.Time `json:"imagePushedAt"`
	ImageManifestMediaType string    `json:"imageManifestMediaType"`
	ArtifactMediaType      string    `json:"artifactMediaType,omitzero"`
}

func (s *Server) describeTags(ctx context.Context, in repositoryInput) (describeTagsOutput, error) {
	size, err := crawlSize(in.MaxResults)
	if err != nil {
		return describeTagsOutput{}, err
	}
	tags, next, err := s.Registry.PublicTags(ctx, in.path(), registry.Page{Token: in.NextToken, Size: size})
	if err != nil {
		return describeTagsOutput{}, err
	}
	out := describeTagsOutput{ImageTagDetails: make([]imageTagDetail, len(tags)), NextToken: next}
	for i, t := range tags {
		out.ImageTagDetails[i] = imageTagDetail{t.Name, t.CreatedAt, imageDetail{
			ImageDigest: t.Image.Digest.String(), ImageSizeInBytes: t.Image.Size, ImagePushedAt: t.Image.PushedAt,
			ImageManifestMediaType: t.Image.MediaType, ArtifactMediaType: t.Image.ArtifactMediaType,
		}}
	}
	return out, nil
}

type repositoryCatalogOutput struct {
	CatalogData struct {
		Description      string   `json:"description,omitzero"`
		Architectures    []string `json:"architectures"`
		OperatingSystems []string `json:"operatingSystems"`
		LogoURL          string   `json:"logoUrl,omitzero"`
		AboutText        string   `json:"aboutText,omitzero"`
		UsageText        string   `json:"usageText,omitzero"`
	} `json:"catalogData"`
	InsightData struct {
		DownloadCount int64 `json:"downloadCount"`
	} `json:"insightData"`
}

func (s *Server) repositoryCatalog(ctx context.Context, in repositoryInput) (repositoryCatalogOutput, error) {
	page, err := s.Registry.RepositoryPage(ctx, in.path())
	var out repositoryCatalogOutput
	c := &out.CatalogData
	c.Description, c.LogoURL, c.AboutText, c.UsageText = page.Description, page.Logo, page.About, page.Usage
	c.Architectures, c.OperatingSystems = never(page.Architectures), never(page.OperatingSystems)
	out.InsightData.DownloadCount = page.Downloads
	return out, err
}

type registryCatalogOutput struct {
	RegistryCatalogData struct {
		DisplayName string `json:"displayName"`
		Verified    bool   `json:"verified"`
	} `json:"registryCatalogData"`
}

func (s *Server) registryCatalog(ctx context.Context, in repositoryInput) (registryCatalogOutput, error) {
	page, err := s.Registry.Publisher(ctx, in.RegistryAliasName, 1, 1)
	var out registryCatalogOutput
	out.RegistryCatalogData.DisplayName, out.RegistryCatalogData.Verified = page.Publisher.DisplayName, page.Publisher.Verified
	return out, err
}
