package argparse

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// checkChoice refuses a value that is none of the choices; the error lists them and names those that are near.
func checkChoice(name string, choices []string, value string) error {
	if len(choices) == 0 || slices.Contains(choices, value) {
		return nil
	}
	lines := []string{"Invalid choice, valid choices are:\n"}
	for pair := range slices.Chunk(choices, 2) {
		cells := make([]string, len(pair))
		for i, c := range pair {
			cells[i] = fmt.Sprintf("%-40s", c)
		}
		lines = append(lines, strings.Join(cells, " | "))
	}
	if near := nearest(value, choices); len(near) > 0 {
		lines = append(lines, fmt.Sprintf("\n\nInvalid choice: '%s', maybe you meant:\n", value))
		for _, word := range near {
			lines = append(lines, "  * "+word)
		}
	}
	return errors.New("argument " + name + ": " + strings.Join(lines, "\n"))
}

// nearest are the three choices that are most like the value, and at least four fifths like it.
func nearest(value string, choices []string) []string {
	type scored struct {
		score float64
		word  string
	}
	var near []scored
	for _, c := range choices {
		if s := similarity([]rune(c), []rune(value)); s >= 0.8 {
			near = append(near, scored{s, c})
		}
	}
	slices.SortFunc(near, func(a, b scored) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(b.word, a.word))
	})
	var words []string
	for _, s := range near[:min(3, len(near))] {
		words = append(words, s.word)
	}
	return words
}

// similarity is twice the length of what two texts have in common, over the length of both: the measure of Ratcliff and
// Obershelp.
func similarity(a, b []rune) float64 {
	if len(a)+len(b) == 0 {
		return 1
	}
	return 2 * float64(inCommon(a, b)) / float64(len(a)+len(b))
}

// inCommon is the length of the longest common part and, in turn, of what stands left and right of it.
func inCommon(a, b []rune) int {
	bestA, bestB, best := 0, 0, 0
	lengths := map[int]int{} // of the common part that ends before the current place of a, by its end in b
	for i, r := range a {
		next := map[int]int{}
		for j, s := range b {
			if r != s {
				continue
			}
			n := lengths[j-1] + 1
			next[j] = n
			if n > best {
				bestA, bestB, best = i-n+1, j-n+1, n
			}
		}
		lengths = next
	}
	if best == 0 {
		return 0
	}
	return best + inCommon(a[:bestA], b[:bestB]) + inCommon(a[bestA+best:], b[bestB+best:])
}
