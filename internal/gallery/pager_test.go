package gallery

import "testing"

func TestPagesBeyondTheEndLeadToTheLast(t *testing.T) {
	for name, c := range map[string]struct {
		page, total int
		beyond      bool
		previous    string
	}{
		"the first":                    {1, 25, false, ""},
		"the last":                     {2, 25, false, "/search"},
		"after the last":               {3, 25, true, "/search?page=2"},
		"the first of an empty list":   {1, 0, false, ""},
		"far beyond of an empty list":  {9, 0, true, "/search"},
		"the last, when it is full":    {2, 48, false, "/search"},
		"one more than a full last is": {3, 48, true, "/search?page=2"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPager(searchPath, nil, c.page, 24, c.total)
			if p.beyond() != c.beyond || p.Previous != c.previous {
				t.Errorf("beyond %t, previous %q; want %t, %q", p.beyond(), p.Previous, c.beyond, c.previous)
			}
		})
	}
}
