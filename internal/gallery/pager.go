package gallery

import (
	"net/url"
	"strconv"
)

// pager leads to the pages before and after one page of a list.
type pager struct {
	Page, Last     int
	First          int // the number of the first entry shown, from 1
	Through        int // and of the last
	Total          int
	Previous, Next string // addresses; empty at the ends
}

// newPager is for a list of total entries, so many on a page, at path with the rest of its query.
func newPager(path string, query url.Values, page, size, total int) pager {
	p := pager{Page: page, Last: max(1, (total+size-1)/size), Total: total}
	p.First = min((page-1)*size+1, total)
	p.Through = min(page*size, total)
	if page > 1 {
		p.Previous = pageAddress(path, query, min(page-1, p.Last))
	}
	if page < p.Last {
		p.Next = pageAddress(path, query, page+1)
	}
	return p
}

// beyond says that the list has become shorter, or never was so long. Previous is its last page then.
func (p pager) beyond() bool { return p.Page > p.Last }

func pageAddress(path string, query url.Values, page int) string {
	return withQuery(path, query, "page", strconv.Itoa(page))
}

// withQuery is path with the query in which name is set to value, or taken out when that is empty. The first page and
// everything else that is there without saying is not said.
func withQuery(path string, query url.Values, name, value string) string {
	changed := make(url.Values, len(query)+1)
	for key, values := range query {
		if key != name {
			changed[key] = values
		}
	}
	if value != "" && (name != "page" || value != "1") {
		changed.Set(name, value)
	}
	if len(changed) == 0 {
		return path
	}
	return path + "?" + changed.Encode()
}
