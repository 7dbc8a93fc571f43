package registrytest

import (
	"slices"
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

type metaCase struct {
	name string
	test func(*metaTest)
}

// galleryTests are what lists and search need of a store.
func galleryTests() []metaCase {
	return []metaCase{
		{"Listings", testListings},
		{"ListingGoesWithItsRepository", testListingGoesWithItsRepository},
		{"Faces", testFaces},
		{"Found", testFound},
		{"FoundByTraits", testFoundByTraits},
		{"WordsInAnyScript", testWordsInAnyScript},
		{"SimilarWords", testSimilarWords},
		{"TagWords", testTagWords},
		{"FindTags", testFindTags},
		{"ImagesWithLayer", testImagesWithLayer},
		{"Downloads", testDownloads},
	}
}

// listed makes a listed repository found by the words.
func (t *metaTest) listed(name ref.RepositoryName, downloads int64, traits registry.Traits, d registry.Document) int64 {
	t.Helper()
	id := t.repository(accountA, name)
	t.update(func(tx registry.Tx) error {
		return do(
			func() error {
				return tx.PutListing(registry.ListingRow{Repository: id, Account: accountA, Name: name, Traits: traits, PushedAt: at(int(downloads)), Downloads: downloads})
			},
			func() error { return tx.PutDocument(id, d) },
		)
	})
	return id
}

func (t *metaTest) find(m registry.Match, o registry.ListingOrder) []int64 {
	t.Helper()
	return read(t, func(tx registry.Tx) ([]int64, error) { return tx.FindListed(m, o, 100) })
}

func testListings(t *metaTest) {
	t.twoAccounts()
	id := t.repository(accountA, "team/app")
	get := func(tx registry.Tx) (registry.ListingRow, error) { return tx.ListingRow(id) }
	absent(t, "before it is made", get)
	t.refused("push", registry.ErrAbsent, func(tx registry.Tx) error { return tx.MarkPushed(id, at(5), registry.Traits{}) })
	row := registry.ListingRow{Repository: id, Account: accountA, Name: "team/app", Traits: registry.Traits{Systems: 1, Kinds: 4}, PushedAt: at(4), Downloads: 7}
	t.update(func(tx registry.Tx) error { return tx.PutListing(row) })
	t.equal("row", read(t, get), row)
	t.update(func(tx registry.Tx) error {
		return do(
			func() error { return tx.MarkPushed(id, at(6), registry.Traits{Systems: 2, Architectures: 8, Kinds: 4}) },
			func() error { return tx.MarkVerified(accountA, true) },
			func() error { return tx.MarkVerified(accountB, false) },
		)
	})
	row.PushedAt, row.Verified, row.Traits = at(6), true, registry.Traits{Systems: 3, Architectures: 8, Kinds: 4}
	t.equal("row after a push", read(t, get), row)
	name := "Alice & Co"
	t.update(func(tx registry.Tx) error { return tx.PutProfile(accountA, registry.Profile{DisplayName: &name}) })
	t.restart()
	t.equal("listed", read(t, func(tx registry.Tx) ([]registry.Listed, error) { return tx.Listings([]int64{id, id + 1}) }),
		[]registry.Listed{{ListingRow: row, Publisher: registry.Publisher{Account: accountA, Alias: aliasA, DisplayName: name}}})
	t.equal("of the account", read(t, func(tx registry.Tx) ([]int64, error) { return tx.ListedOf(accountA) }), []int64{id})
	t.equal("after 0", read(t, func(tx registry.Tx) ([]registry.ListedRepository, error) { return tx.ListedAfter(0, 10) }),
		[]registry.ListedRepository{{ID: id, Alias: aliasA, Name: "team/app", PushedAt: at(6)}})
	t.equal("after it", len(read(t, func(tx registry.Tx) ([]registry.ListedRepository, error) { return tx.ListedAfter(id, 10) })), 0)
	t.equal("publishers", read(t, func(tx registry.Tx) ([]registry.Publisher, error) { return tx.Publishers(false, 10) }),
		[]registry.Publisher{{Account: accountA, Alias: aliasA, DisplayName: name}})
	t.view(func(tx registry.Tx) error {
		n, downloads, err := tx.CountListed(accountA)
		t.equal("count", []int64{int64(n), downloads}, []int64{1, 7})
		return err
	})
	unlisted := func(tx registry.Tx) ([]registry.Repository, error) { return tx.Unlisted(0, 10) }
	t.image(id, "image", nil)
	t.equal("unlisted", len(read(t, unlisted)), 0)
	t.update(func(tx registry.Tx) error { return tx.DeleteListing(id) })
	absent(t, "once deleted", get)
	if list := read(t, unlisted); len(list) != 1 || list[0].ID != id {
		t.Errorf("unlisted: %v", list)
	}
	t.update(func(tx registry.Tx) error { return tx.DeleteListing(id) })
}

func testListingGoesWithItsRepository(t *metaTest) {
	t.twoAccounts()
	id := t.listed("app", 1, registry.Traits{}, registry.Document{Name: []string{"application"}})
	i := t.image(id, "image", nil)
	t.update(func(tx registry.Tx) error {
		return do(
			func() error { return tx.PutFace(id, registry.Face{Image: i.Digest}) },
			func() error { _, err := tx.AddTagWords(id, []string{"alpine"}); return err },
			func() error {
				return tx.AddDownloads([]registry.Download{{Repository: id, Tag: "latest", Day: at(0), Count: 3}})
			},
		)
	})
	t.update(func(tx registry.Tx) error { return tx.DeleteRepository(id) })
	t.equal("found", len(t.find(registry.Match{Terms: []registry.Term{{Prefix: "appl"}}}, registry.OrderName)), 0)
	t.equal("similar", len(read(t, func(tx registry.Tx) ([]string, error) { return tx.SimilarWords("xpplication") })), 0)
}

func testFaces(t *metaTest) {
	id := t.oneRepository()
	a, b := t.image(id, "a", nil), t.image(id, "b", nil)
	faces := []registry.Face{
		{Image: a.Digest, Traits: registry.Traits{Systems: 1, Architectures: 2, Kinds: 4}, Platforms: []registry.Platform{{OS: "linux", Architecture: "arm64", Variant: "v8"}}},
		{Image: b.Digest, Traits: registry.Traits{Systems: 8}},
	}
	t.refused("of no image", nil, func(tx registry.Tx) error { return tx.PutFace(id, registry.Face{Image: sha256Of("c")}) })
	t.update(func(tx registry.Tx) error {
		return do(func() error { return tx.PutFace(id, registry.Face{Image: a.Digest}) },
			func() error { return tx.PutFace(id, faces[0]) }, func() error { return tx.PutFace(id, faces[1]) })
	})
	got := read(t, func(tx registry.Tx) ([]registry.Face, error) {
		return tx.Faces(id, []ref.Digest{a.Digest, b.Digest, sha256Of("c")})
	})
	slices.SortFunc(got, func(x, y registry.Face) int { return byDigest(x.Image, y.Image) })
	slices.SortFunc(faces, func(x, y registry.Face) int { return byDigest(x.Image, y.Image) })
	t.equal("faces", got, faces)
	t.view(func(tx registry.Tx) error {
		traits, newest, err := tx.RepositoryTraits(id)
		t.equal("traits", traits, registry.Traits{Systems: 9, Architectures: 2, Kinds: 4})
		t.equal("newest", newest, at(4))
		return err
	})
	t.update(func(tx registry.Tx) error { return tx.DeleteImage(id, a.Digest, at(9)) })
	t.view(func(tx registry.Tx) error {
		traits, _, err := tx.RepositoryTraits(id)
		t.equal("traits once one is gone", traits, registry.Traits{Systems: 8})
		return err
	})
}

func testFound(t *metaTest) {
	t.twoAccounts()
	nginx := t.listed("team/nginx", 5, registry.Traits{}, registry.Document{Name: []string{"team", "nginx"}, Words: []string{"proxy", "1.27"}})
	proxy := t.listed("proxy", 9, registry.Traits{}, registry.Document{Name: []string{"proxy"}, Words: []string{"like", "nginx"}, Text: []string{"lengthy"}})
	other := t.listed("nginx-x", 1, registry.Traits{}, registry.Document{Name: []string{"nginx", "x"}})
	term := func(words ...string) []registry.Term {
		var terms []registry.Term
		for _, w := range words {
			terms = append(terms, registry.Term{Prefix: w})
		}
		return terms
	}
	for name, c := range map[string]struct {
		match registry.Match
		order registry.ListingOrder
		want  []int64
	}{
		"everything, by downloads":  {registry.Match{}, registry.OrderDownloads, []int64{proxy, nginx, other}},
		"everything, by push":       {registry.Match{}, registry.OrderPushed, []int64{proxy, nginx, other}},
		"everything, by name":       {registry.Match{}, registry.OrderName, []int64{other, proxy, nginx}},
		"a word":                    {registry.Match{Terms: term("nginx")}, registry.OrderDownloads, []int64{proxy, nginx, other}},
		"a word in the name":        {registry.Match{Terms: term("nginx"), InName: true}, registry.OrderDownloads, []int64{nginx, other}},
		"the beginning of a word":   {registry.Match{Terms: term("ngi")}, registry.OrderDownloads, []int64{proxy, nginx, other}},
		"all of several words":      {registry.Match{Terms: term("nginx", "proxy")}, registry.OrderDownloads, []int64{proxy, nginx}},
		"several in the name":       {registry.Match{Terms: term("nginx", "team"), InName: true}, registry.OrderDownloads, []int64{nginx}},
		"a version":                 {registry.Match{Terms: term("1.27")}, registry.OrderDownloads, []int64{nginx}},
		"one of several":            {registry.Match{Terms: []registry.Term{{Prefix: "lenghty", Words: []string{"lengthy"}}}}, registry.OrderDownloads, []int64{proxy}},
		"no part of another word":   {registry.Match{Terms: []registry.Term{{Words: []string{"length"}}}}, registry.OrderDownloads, nil},
		"exactly named":             {registry.Match{Named: "team/nginx"}, registry.OrderDownloads, []int64{nginx}},
		"exactly named at the leaf": {registry.Match{Named: "nginx"}, registry.OrderDownloads, []int64{nginx}},
		"beginning with a name":     {registry.Match{Named: "ngin", Prefix: true}, registry.OrderDownloads, []int64{nginx, other}},
		"of another account":        {registry.Match{Account: accountB}, registry.OrderDownloads, nil},
		"verified ones":             {registry.Match{Verified: true}, registry.OrderDownloads, nil},
	} {
		t.equal(name, t.find(c.match, c.order), c.want)
	}
	t.equal("at most one", read(t, func(tx registry.Tx) ([]int64, error) {
		return tx.FindListed(registry.Match{}, registry.OrderDownloads, 1)
	}), []int64{proxy})
	t.update(func(tx registry.Tx) error { return tx.PutDocument(nginx, registry.Document{Name: []string{"renamed"}}) })
	t.restart()
	t.equal("after a change", t.find(registry.Match{Terms: term("nginx")}, registry.OrderDownloads), []int64{proxy, other})
	t.equal("the new word", t.find(registry.Match{Terms: term("renamed")}, registry.OrderDownloads), []int64{nginx})
}

func testFoundByTraits(t *metaTest) {
	t.twoAccounts()
	word := registry.Document{Name: []string{"word"}}
	a := t.listed("a", 3, registry.Traits{Systems: 1, Architectures: 1, Kinds: 1}, word)
	b := t.listed("b", 2, registry.Traits{Systems: 3, Architectures: 2, Kinds: 1}, word)
	t.listed("c", 1, registry.Traits{Systems: 3, Architectures: 2, Kinds: 1}, registry.Document{Name: []string{"else"}})
	terms := []registry.Term{{Prefix: "word"}}
	t.equal("one system", t.find(registry.Match{Terms: terms, Traits: registry.Traits{Systems: 2}}, registry.OrderDownloads), []int64{b})
	t.equal("any of two systems", t.find(registry.Match{Terms: terms, Traits: registry.Traits{Systems: 3}}, registry.OrderDownloads), []int64{a, b})
	t.equal("system and architecture", len(t.find(registry.Match{Terms: terms, Traits: registry.Traits{Systems: 2, Architectures: 1}}, registry.OrderDownloads)), 0)
	counts := read(t, func(tx registry.Tx) ([]registry.TraitCount, error) {
		return tx.CountTraits(registry.Match{Traits: registry.Traits{Kinds: 1}}, 100)
	})
	slices.SortFunc(counts, func(x, y registry.TraitCount) int { return x.Count - y.Count })
	t.equal("counts", counts, []registry.TraitCount{
		{Traits: registry.Traits{Systems: 1, Architectures: 1, Kinds: 1}, Count: 1},
		{Traits: registry.Traits{Systems: 3, Architectures: 2, Kinds: 1}, Count: 2},
	})
	counts = read(t, func(tx registry.Tx) ([]registry.TraitCount, error) {
		return tx.CountTraits(registry.Match{Terms: terms}, 1)
	})
	t.equal("counting stops", len(counts), 1)
}

// Whatever people write must neither be lost nor be taken for the language of an index.
func testWordsInAnyScript(t *metaTest) {
	t.twoAccounts()
	for i, word := range []string{"größe", "датабаза", "データ", "हिन्दी", "and", "or", "not", "near", "𝔘𝔫𝔦", "ſ", "1.27", "2³"} {
		id := t.listed(ref.RepositoryName("r"+string(rune('a'+i))), int64(i), registry.Traits{}, registry.Document{Name: []string{word}, Text: []string{"x" + word}})
		t.equal(word, t.find(registry.Match{Terms: []registry.Term{{Prefix: word}}, InName: true}, registry.OrderName), []int64{id})
		t.equal("exactly "+word, t.find(registry.Match{Terms: []registry.Term{{Prefix: "nothing", Words: []string{word}}}}, registry.OrderName), []int64{id})
	}
}

func testSimilarWords(t *metaTest) {
	t.twoAccounts()
	similar := func(word string) []string {
		t.Helper()
		return read(t, func(tx registry.Tx) ([]string, error) { return tx.SimilarWords(word) })
	}
	one := t.listed("one", 1, registry.Traits{}, registry.Document{Name: []string{"nginx", "curl"}, Words: []string{"proxy", "größe"}, Text: []string{"lengthy"}})
	two := t.listed("two", 2, registry.Traits{}, registry.Document{Name: []string{"nginx"}})
	for word, want := range map[string][]string{
		"nginx": nil, "ngnx": {"nginx"}, "nginxx": {"nginx"}, "nginz": {"nginx"}, "gninx": {"nginx"}, "nginz1": nil, "ginz": nil,
		"porxy": {"proxy"}, "proxi": {"proxy"}, "grösse": nil, "grösße": {"größe"}, "größen": {"größe"}, "crul": nil, "lenghty": nil,
	} {
		t.equal(word, similar(word), want)
	}
	t.update(func(tx registry.Tx) error { return tx.PutDocument(one, registry.Document{Name: []string{"curl"}}) })
	t.equal("a word that one document has still", similar("ngin"), []string{"nginx"})
	t.equal("a word that none has any more", len(similar("prxy")), 0)
	t.update(func(tx registry.Tx) error { return tx.DeleteListing(two) })
	t.equal("the last document gone", len(similar("ngin")), 0)
}

func testTagWords(t *metaTest) {
	id := t.oneRepository()
	change := func(what string, words []string, change func(registry.Tx) ([]string, error), want ...string) {
		t.Helper()
		var changed []string
		t.update(func(tx registry.Tx) error {
			got, err := change(tx)
			changed = got
			return err
		})
		slices.Sort(changed)
		t.equal(what, changed, want)
	}
	add := func(want []string, words ...string) {
		t.Helper()
		change("fresh", words, func(tx registry.Tx) ([]string, error) { return tx.AddTagWords(id, words) }, want...)
	}
	remove := func(want []string, words ...string) {
		t.Helper()
		change("gone", words, func(tx registry.Tx) ([]string, error) { return tx.RemoveTagWords(id, words) }, want...)
	}
	add([]string{"1.27", "alpine"}, "alpine", "1.27")
	add([]string{"slim"}, "slim", "1.27")
	add(nil, "1.27")
	t.equal("words", read(t, func(tx registry.Tx) ([]string, error) { return tx.TagWords(id, 2) }), []string{"1.27", "alpine"})
	remove([]string{"alpine"}, "alpine", "1.27", "unknown")
	remove(nil, "1.27", "alpine")
	remove([]string{"1.27"}, "1.27")
	t.equal("words", read(t, func(tx registry.Tx) ([]string, error) { return tx.TagWords(id, 10) }), []string{"slim"})
}

func testFindTags(t *metaTest) {
	id := t.oneRepository()
	layers := t.layers(id, 3)
	small, large := t.image(id, "small", layers[:1]), t.image(id, "large", layers)
	hidden := ref.Tag("sha256-" + small.Digest.Hex())
	t.update(func(tx registry.Tx) error {
		for i, tag := range []registry.Tag{
			{Name: "v1_0", Image: small.Digest}, {Name: "V100", Image: large.Digest}, {Name: "latest", Image: small.Digest},
			{Name: hidden + ".sig", Image: large.Digest}, {Name: hidden, Image: large.Digest}, {Name: "sha256-tool", Image: small.Digest},
		} {
			tag.CreatedAt = at(i)
			if err := tx.PutTag(id, tag); err != nil {
				return err
			}
		}
		return nil
	})
	names := func(text string, sort registry.TagSort, offset, limit int) []ref.Tag {
		t.Helper()
		tags := read(t, func(tx registry.Tx) ([]registry.Tag, error) { return tx.FindTags(id, text, sort, offset, limit) })
		list := make([]ref.Tag, len(tags))
		for i, tag := range tags {
			list[i] = tag.Name
		}
		return list
	}
	t.equal("by date", names("", registry.TagsByDate, 0, 10), []ref.Tag{"sha256-tool", "latest", "V100", "v1_0"})
	t.equal("by name", names("", registry.TagsByName, 0, 10), []ref.Tag{"V100", "latest", "sha256-tool", "v1_0"})
	t.equal("by size", names("", registry.TagsBySize, 0, 10), []ref.Tag{"V100", "latest", "sha256-tool", "v1_0"})
	t.equal("a page", names("", registry.TagsByName, 1, 2), []ref.Tag{"latest", "sha256-tool"})
	t.equal("in any case", names("V1", registry.TagsByName, 0, 10), []ref.Tag{"V100", "v1_0"})
	t.equal("no wild cards", names("1_", registry.TagsByName, 0, 10), []ref.Tag{"v1_0"})
	t.equal("per cent", len(names("%", registry.TagsByName, 0, 10)), 0)
	t.equal("count", read(t, func(tx registry.Tx) (int, error) { return tx.CountTags(id, "") }), 4)
	t.equal("count of some", read(t, func(tx registry.Tx) (int, error) { return tx.CountTags(id, "v1") }), 2)
	t.equal("named", len(read(t, func(tx registry.Tx) ([]registry.Tag, error) {
		return tx.TagsNamed(id, []ref.Tag{hidden, "latest", "nowhere"})
	})), 2)
}

func testImagesWithLayer(t *metaTest) {
	id := t.oneRepository()
	layers := t.layers(id, 2)
	a, b := t.image(id, "a", layers), t.image(id, "b", layers[:1])
	with := func(layer, limit int) []ref.Digest {
		t.Helper()
		return read(t, func(tx registry.Tx) ([]ref.Digest, error) { return tx.ImagesWithLayer(id, layers[layer].Digest, limit) })
	}
	both := []ref.Digest{a.Digest, b.Digest}
	slices.SortFunc(both, byDigest)
	t.equal("shared", with(0, 10), both)
	t.equal("at most one", with(0, 1), both[:1])
	t.equal("not shared", with(1, 10), []ref.Digest{a.Digest})
	t.equal("count", read(t, func(tx registry.Tx) (int, error) { return tx.CountImagesWithLayer(id, layers[0].Digest, 10) }), 2)
	referrer := newImage("referrer", nil)
	referrer.Subject = a.Digest
	t.update(func(tx registry.Tx) error { return tx.InsertImage(id, referrer) })
	list := read(t, func(tx registry.Tx) ([]registry.Image, error) { return tx.ReferrersOf(id, both, 10) })
	if len(list) != 1 || list[0].Digest != referrer.Digest || list[0].Subject != a.Digest {
		t.Errorf("referrers: %v", list)
	}
}

func testDownloads(t *metaTest) {
	id := t.oneRepository()
	day := func(n int) time.Time { return at(0).Truncate(24*time.Hour).AddDate(0, 0, n) }
	t.update(func(tx registry.Tx) error {
		return do(
			func() error {
				return tx.PutListing(registry.ListingRow{Repository: id, Account: accountA, Name: "app", PushedAt: at(0)})
			},
			func() error {
				return tx.AddDownloads([]registry.Download{
					{Repository: id, Tag: "latest", Day: day(0), Count: 2}, {Repository: id, Tag: "", Day: day(0), Count: 1},
					{Repository: id, Tag: "latest", Day: day(1), Count: 5}, {Repository: id, Tag: "latest", Day: day(1), Count: 1},
					{Repository: id + 1000, Tag: "latest", Day: day(1), Count: 9},
				})
			},
		)
	})
	t.restart()
	days := func(from int) []registry.DownloadDay {
		return read(t, func(tx registry.Tx) ([]registry.DownloadDay, error) { return tx.DownloadsByDay(id, day(from)) })
	}
	total := func() int64 {
		return read(t, func(tx registry.Tx) (int64, error) { return tx.DownloadTotal(id) })
	}
	t.equal("by day", days(0), []registry.DownloadDay{{Day: day(0), Count: 3}, {Day: day(1), Count: 6}})
	t.equal("from the second", days(1), []registry.DownloadDay{{Day: day(1), Count: 6}})
	t.equal("of a tag", read(t, func(tx registry.Tx) (int64, error) { return tx.DownloadsOf(id, []ref.Tag{"latest", "other"}) }), int64(8))
	t.equal("total", total(), int64(9))
	t.equal("of the listing", read(t, func(tx registry.Tx) (registry.ListingRow, error) { return tx.ListingRow(id) }).Downloads, int64(9))
	var deleted int
	t.update(func(tx registry.Tx) error {
		n, err := tx.DeleteDownloadDays(day(1), 1)
		deleted = n
		return err
	})
	t.equal("deleted", deleted, 1)
	t.update(func(tx registry.Tx) error { _, err := tx.DeleteDownloadDays(day(1), 10); return err })
	t.equal("days that are left", days(0), []registry.DownloadDay{{Day: day(1), Count: 6}})
	t.equal("total stays", total(), int64(9))
}
