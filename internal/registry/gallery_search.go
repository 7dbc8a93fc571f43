package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/openecr/openecr/internal/ref"
)

// SearchSort is an order of search results.
type SearchSort string

// The orders. The zero value is ByRelevance.
const (
	ByRelevance  SearchSort = "relevance"  // exact names, then names that begin so, then words, then words with a slip
	ByPopularity SearchSort = "popularity" // most downloads first
	ByDate       SearchSort = "date"       // newest push first
)

// SearchQuery asks for one page of repositories. Members of one list widen the search, different lists narrow it.
type SearchQuery struct {
	Text             string   // words, each of which must be found; empty for everything
	OperatingSystems []string // "Linux", as in Facets
	Architectures    []string // "x86-64", as in Facets
	Kinds            []ArtifactKind
	Verified         bool   // only of verified publishers
	Registry         string // only of this one, by alias or account id; empty for all
	Sort             SearchSort
	Page             int // the first is 1
	Size             int // results on a page, 1 to MaxSearchPage
}

// MaxSearchPage bounds SearchQuery.Size, and MaxSearchResults how many results are counted and can be paged through, as
// the real gallery does it.
const (
	MaxSearchPage    = 1000
	MaxSearchResults = 2500
)

// maxCounted bounds the repositories that are looked at to count the choices of a search that has made some.
const maxCounted = 5000

// maxSearchWords bounds what one search asks the index; more words are left out.
const maxSearchWords = 8

// SearchResult is one page of what was found.
type SearchResult struct {
	Hits   []Listing
	Total  int  // how many were found, at most MaxSearchResults
	More   bool // there are more than Total; Facets then count some of them
	Facets Facets
}

// Facets say how many of the results there would be with one more choice. Each list is counted as if nothing of its own
// kind had been chosen, so that a visitor can add to a choice.
type Facets struct {
	OperatingSystems []FacetCount
	Architectures    []FacetCount
	Kinds            []FacetCount
	Verified         int
}

// FacetCount is one choice. Choices without results are left out.
type FacetCount struct {
	Value string // as SearchQuery takes it
	Count int
}

// Search finds repositories by their name, publisher, description, tags and About text. A word with one slip in it finds
// words of five letters and more, but for those of the About text. An unknown registry has no results.
func (r *Registry) Search(ctx context.Context, q SearchQuery) (SearchResult, error) {
	q.Page, q.Size = max(q.Page, 1), min(max(q.Size, 1), MaxSearchPage)
	var result SearchResult
	err := r.meta.View(ctx, func(tx Tx) error {
		s, err := newSearch(tx, q)
		if err != nil || s == nil {
			result = SearchResult{}
			return err
		}
		found, err := s.count()
		if err != nil {
			return err
		}
		if found.Hits, err = s.page(r, q.Page, q.Size); err != nil {
			return err
		}
		result = found
		return nil
	})
	if err != nil {
		return SearchResult{}, fmt.Errorf("search: %w", err)
	}
	return result, nil
}

// search is one Search at work.
type search struct {
	tx    Tx
	sort  SearchSort
	text  string
	words []Term // as they were typed
	wide  Match  // with slips: all that is found
}

// newSearch is nil when nothing can be found.
func newSearch(tx Tx, q SearchQuery) (*search, error) {
	s := &search{tx: tx, sort: q.Sort, text: strings.ToLower(strings.TrimSpace(q.Text))}
	s.wide = Match{Verified: q.Verified, Traits: Traits{
		Systems: traitSet(systems, q.OperatingSystems), Architectures: traitSet(architectures, q.Architectures), Kinds: traitSet(kinds, q.Kinds),
	}}
	if q.Registry != "" {
		account, err := publicAccount(tx, q.Registry)
		if KindOf(err) == RegistryNotFound {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		s.wide.Account = account
	}
	words := wordsOf(q.Text)
	if s.text != "" && len(words) == 0 {
		return nil, nil
	}
	for _, w := range words[:min(len(words), maxSearchWords)] {
		similar, err := tx.SimilarWords(w)
		if err != nil {
			return nil, err
		}
		s.words = append(s.words, Term{Prefix: w})
		s.wide.Terms = append(s.wide.Terms, Term{Prefix: w, Words: similar})
	}
	return s, nil
}

// publicAccount is the account of an alias or account id.
func publicAccount(tx Tx, registry string) (ref.AccountID, error) {
	alias, err := tx.Alias(ref.Alias(registry))
	if err == nil {
		return alias.Account, nil
	}
	if !errors.Is(err, ErrAbsent) {
		return "", err
	}
	return findRegistry(tx, Path{Registry: registry})
}

// tiers are narrower and narrower questions, best first; all that the last finds is found.
func (s *search) tiers() []Match {
	if len(s.wide.Terms) == 0 || s.sort == ByPopularity || s.sort == ByDate {
		return []Match{s.wide}
	}
	named, begins, inName, words := s.wide, s.wide, s.wide, s.wide
	named.Terms, named.Named = nil, s.text
	begins.Terms, begins.Named, begins.Prefix = nil, s.text, true
	inName.Terms, inName.InName = s.words, true
	words.Terms = s.words
	return []Match{named, begins, inName, words, s.wide}
}

// page reads no more tiers than it needs. A tier also finds what those before it found, so it is asked for that many more.
func (s *search) page(r *Registry, page, size int) ([]Listing, error) {
	if (page-1)*size >= MaxSearchResults {
		return nil, nil
	}
	want := min(page*size, MaxSearchResults)
	order := OrderDownloads
	if s.sort == ByDate {
		order = OrderPushed
	}
	var ids []int64
	seen := make(map[int64]bool)
	for _, tier := range s.tiers() {
		found, err := s.tx.FindListed(tier, order, want)
		if err != nil {
			return nil, err
		}
		for _, id := range found {
			if !seen[id] && len(ids) < want {
				seen[id] = true
				ids = append(ids, id)
			}
		}
		if len(ids) == want {
			break
		}
	}
	if len(ids) <= (page-1)*size {
		return nil, nil
	}
	return r.listings(s.tx, ids[(page-1)*size:])
}

// count asks once, without what was chosen of the facets: who has which traits tells what every choice would give.
func (s *search) count() (SearchResult, error) {
	m, limit := s.wide, MaxSearchResults+1
	if m.Traits != (Traits{}) {
		m.Traits, limit = Traits{}, maxCounted
	}
	counts, err := s.tx.CountTraits(m, limit)
	if err != nil {
		return SearchResult{}, err
	}
	var result SearchResult
	looked := 0
	for _, c := range counts {
		looked += c.Count
		if c.Traits.match(s.wide.Traits) {
			result.Total += c.Count
			if c.Verified {
				result.Facets.Verified += c.Count
			}
		}
	}
	result.More = looked >= limit || result.Total > MaxSearchResults
	result.Total = min(result.Total, MaxSearchResults)
	f := &result.Facets
	f.OperatingSystems = facet(systems, counts, s.wide.Traits, func(t *Traits) *int64 { return &t.Systems })
	f.Architectures = facet(architectures, counts, s.wide.Traits, func(t *Traits) *int64 { return &t.Architectures })
	f.Kinds = facet(kinds, counts, s.wide.Traits, func(t *Traits) *int64 { return &t.Kinds })
	return result, nil
}

// match says whether t has one of each set of wanted that is not empty.
func (t Traits) match(wanted Traits) bool {
	one := func(has, wanted int64) bool { return wanted == 0 || has&wanted != 0 }
	return one(t.Systems, wanted.Systems) && one(t.Architectures, wanted.Architectures) && one(t.Kinds, wanted.Kinds)
}

// facet adds up one list over what matches all other choices.
func facet[T ~string](list []T, counts []TraitCount, wanted Traits, set func(*Traits) *int64) []FacetCount {
	*set(&wanted) = 0
	var facets []FacetCount
	for i, word := range list {
		n := 0
		for _, c := range counts {
			if c.Traits.match(wanted) && *set(&c.Traits)&(1<<i) != 0 {
				n += c.Count
			}
		}
		if n > 0 {
			facets = append(facets, FacetCount{string(word), n})
		}
	}
	return facets
}

// listings of the ids, in that order.
func (r *Registry) listings(tx Tx, ids []int64) ([]Listing, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	listed, err := tx.Listings(ids)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(listed, func(a, b Listed) int {
		return slices.Index(ids, a.Repository) - slices.Index(ids, b.Repository)
	})
	list := make([]Listing, len(listed))
	for i, l := range listed {
		list[i] = r.listing(l)
	}
	return list, nil
}

func (r *Registry) listing(l Listed) Listing {
	t := l.Traits.and(catalogTraits(l.Catalog))
	listing := Listing{
		Publisher:        l.Publisher.named(),
		Name:             l.Name,
		Logo:             r.LogoURL(l.Catalog),
		OperatingSystems: traitWords(systems, t.Systems),
		Architectures:    traitWords(architectures, t.Architectures),
		Kinds:            traitWords(kinds, t.Kinds),
		PushedAt:         l.PushedAt,
		Downloads:        l.Downloads,
	}
	if l.Catalog.Description != nil {
		listing.Description = *l.Catalog.Description
	}
	return listing
}

// named has a publisher shown under its alias that never said another name.
func (p Publisher) named() Publisher {
	if p.DisplayName == "" {
		p.DisplayName = string(p.Alias)
	}
	return p
}
