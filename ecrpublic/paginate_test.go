package ecrpublic

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// threePages answers DescribeRepositories with one repository a page and the tokens "1" and "2".
func threePages(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var in DescribeRepositoriesRequest
		if err := Unmarshal(body, &in); err != nil {
			t.Error(err)
		}
		page, next := text(in.NextToken), ""
		switch page {
		case "":
			page, next = "0", `,"nextToken":"1"`
		case "1":
			next = `,"nextToken":"2"`
		}
		_, _ = fmt.Fprintf(w, `{"repositories":[{"repositoryName":"%s-%s"}]%s}`, text(in.RegistryId), page, next)
	}
}

func TestPagesYieldsEveryPageAndLeavesTheInputAlone(t *testing.T) {
	c := newTestClient(t, testConfig(t, threePages(t)))
	in := &DescribeRepositoriesRequest{RegistryId: new("r")}
	seq := c.DescribeRepositoriesPages(t.Context(), in)
	for range 2 { // ranging again begins again
		var got []string
		for page, err := range seq {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, text(page.Repositories[0].RepositoryName))
		}
		if strings.Join(got, " ") != "r-0 r-1 r-2" {
			t.Errorf("got %v", got)
		}
	}
	if in.NextToken != nil {
		t.Error("the input was changed")
	}
}

func TestPagesStopsWhenTheLoopDoes(t *testing.T) {
	c := newTestClient(t, testConfig(t, threePages(t)))
	n := 0
	for _, err := range c.DescribeRepositoriesPages(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d pages", n)
	}
}

func TestPagesEndsAfterAnError(t *testing.T) {
	c := newTestClient(t, testConfig(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) }))
	n := 0
	for page, err := range c.DescribeImagesPages(t.Context(), nil) {
		if page != nil || err == nil {
			t.Errorf("got %v, %v", page, err)
		}
		n++
	}
	if n != 1 {
		t.Errorf("%d turns", n)
	}
}

func TestPagesRefusesATokenThatDoesNotMove(t *testing.T) {
	c := newTestClient(t, testConfig(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"nextToken":"x"}`) }))
	var last error
	n := 0
	for _, err := range c.DescribeImageTagsPages(t.Context(), nil) {
		last = err
		n++
	}
	if n != 3 || last == nil || !strings.Contains(last.Error(), `"x" twice`) {
		t.Errorf("%d turns, the last with %v", n, last)
	}
}
