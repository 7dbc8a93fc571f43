package gallery

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/openecr/openecr/internal/registry"
)

const (
	searchPageSize = 24
	// maxTerm bounds what is searched for, in bytes. Nobody types more.
	maxTerm = 200
)

// The names by which a search stands in its address. The first four are those of the real gallery.
const (
	paramTerm         = "searchTerm"
	paramOS           = "operatingSystems"
	paramArchitecture = "architectures"
	paramVerified     = "verified"
	paramKind         = "kind"
	paramSort         = "sort"
)

// searchBody is what the search page shows.
type searchBody struct {
	Query  registry.SearchQuery
	Result registry.SearchResult
	Groups []choices
	Sorts  []choice
	Clear  string // the address without filters; empty when there are none
	Pager  pager
}

// choices is one group of filters.
type choices struct {
	Title   string
	Choices []choice
}

// choice is one filter, or one order.
type choice struct {
	Name, Value, Label string
	Count              int
	Chosen             bool
}

// search finds repositories. Everything that was chosen stands in the address.
func (s *Server) search(v *visit) (answer, error) {
	q := readSearch(v)
	result, err := s.Registry.Search(v.Context(), q)
	if err != nil {
		return answer{}, err
	}
	state := writeSearch(q)
	body := searchBody{
		Query:  q,
		Result: result,
		Groups: filters(q, result.Facets),
		Sorts:  sorts(q.Sort),
		Pager:  newPager(searchPath, state, q.Page, q.Size, min(result.Total, registry.MaxSearchResults)),
	}
	if bare := writeSearch(registry.SearchQuery{Text: q.Text, Sort: q.Sort}); len(bare) != len(state) {
		body.Clear = withQuery(searchPath, bare, "", "")
	}
	if body.Pager.beyond() {
		return redirect(http.StatusFound, body.Pager.Previous), nil
	}
	title := "All repositories"
	if q.Text != "" {
		title = "Search for " + q.Text
	}
	return s.show(v, "search", page{Title: title, OwnSearch: true, Unlisted: true, Body: body})
}

// readSearch reads an address. What it does not know it leaves out: an old link still shows something.
func readSearch(v *visit) registry.SearchQuery {
	q := registry.SearchQuery{
		Text:             strings.ToValidUTF8(clipBytes(strings.TrimSpace(v.query.Get(paramTerm)), maxTerm), ""),
		OperatingSystems: few(v.query[paramOS]),
		Architectures:    few(v.query[paramArchitecture]),
		Verified:         v.query.Get(paramVerified) == "true",
		Sort:             registry.ByRelevance,
		Page:             v.page(),
		Size:             searchPageSize,
	}
	for _, k := range v.query[paramKind] {
		if kind := registry.ArtifactKind(k); slices.Contains(kinds, kind) && !slices.Contains(q.Kinds, kind) {
			q.Kinds = append(q.Kinds, kind)
		}
	}
	switch sort := registry.SearchSort(v.query.Get(paramSort)); sort {
	case registry.ByPopularity, registry.ByDate:
		q.Sort = sort
	}
	q.Page = min(q.Page, registry.MaxSearchResults/searchPageSize)
	return q
}

var kinds = []registry.ArtifactKind{
	registry.KindImage, registry.KindChart, registry.KindSignature, registry.KindSBOM, registry.KindAttestation, registry.KindOther,
}

// few keeps a list from an address to a size that a search takes: distinct, short, not empty.
func few(values []string) []string {
	var kept []string
	for _, v := range values {
		if v != "" && len(v) <= 50 && len(kept) < 20 && !slices.Contains(kept, v) {
			kept = append(kept, v)
		}
	}
	return kept
}

func clipBytes(s string, most int) string { return s[:min(len(s), most)] }

// writeSearch is the inverse of readSearch, without the number of the page.
func writeSearch(q registry.SearchQuery) url.Values {
	state := make(url.Values)
	if q.Text != "" {
		state.Set(paramTerm, q.Text)
	}
	if len(q.OperatingSystems) > 0 {
		state[paramOS] = q.OperatingSystems
	}
	if len(q.Architectures) > 0 {
		state[paramArchitecture] = q.Architectures
	}
	if q.Verified {
		state.Set(paramVerified, "true")
	}
	for _, k := range q.Kinds {
		state.Add(paramKind, string(k))
	}
	if q.Sort != registry.ByRelevance && q.Sort != "" {
		state.Set(paramSort, string(q.Sort))
	}
	return state
}

func filters(q registry.SearchQuery, f registry.Facets) []choices {
	kindChosen := make([]string, len(q.Kinds))
	for i, k := range q.Kinds {
		kindChosen[i] = string(k)
	}
	groups := []choices{
		{"Publisher", []choice{{paramVerified, "true", "Verified", f.Verified, q.Verified}}},
		{"Operating system", choicesOf(paramOS, f.OperatingSystems, q.OperatingSystems)},
		{"Architecture", choicesOf(paramArchitecture, f.Architectures, q.Architectures)},
		{"Kind", choicesOf(paramKind, f.Kinds, kindChosen)},
	}
	for i, c := range groups[3].Choices {
		groups[3].Choices[i].Label = kindName(registry.ArtifactKind(c.Value))
	}
	return groups
}

// choicesOf are the values that have results, and those chosen that have none, so that they can be given up.
func choicesOf(name string, counts []registry.FacetCount, chosen []string) []choice {
	var list []choice
	for _, c := range counts {
		list = append(list, choice{name, c.Value, c.Value, c.Count, slices.Contains(chosen, c.Value)})
	}
	for _, value := range chosen {
		if !slices.ContainsFunc(counts, func(c registry.FacetCount) bool { return c.Value == value }) {
			list = append(list, choice{name, value, value, 0, true})
		}
	}
	return list
}

func sorts(chosen registry.SearchSort) []choice {
	list := []choice{
		{Value: string(registry.ByRelevance), Label: "Relevance"},
		{Value: string(registry.ByPopularity), Label: "Downloads"},
		{Value: string(registry.ByDate), Label: "Newest push"},
	}
	for i := range list {
		list[i].Chosen = list[i].Value == string(chosen)
	}
	return list
}
