package gallery

import (
	"fmt"
	"strconv"
	"time"

	"github.com/openecr/openecr/internal/registry"
)

// chart is downloads over time, as a picture of bars and as a table.
type chart struct {
	Summary string // the picture in words
	Bars    []bar
	Weeks   []week // newest first
	Total   int64
}

// bar is one day. The picture is 100 high, and barPitch wide per bar.
type bar struct {
	X, Y, Height string
	Label        string
}

type week struct {
	From  time.Time
	Count int64
}

// The width of a bar with and without the gap after it.
const (
	barPitch = 8
	barWidth = 6
)

// newChart draws days, which come oldest first and without gaps.
func newChart(days []registry.DownloadDay) chart {
	var c chart
	var most registry.DownloadDay
	for _, d := range days {
		c.Total += d.Count
		if d.Count > most.Count {
			most = d
		}
	}
	for i, d := range days {
		height := 0.0
		if d.Count > 0 {
			height = max(2, 100*float64(d.Count)/float64(most.Count)) // one download can still be seen
		}
		c.Bars = append(c.Bars, bar{
			X:      strconv.Itoa(i * barPitch),
			Y:      strconv.FormatFloat(100-height, 'f', 1, 64),
			Height: strconv.FormatFloat(height, 'f', 1, 64),
			Label:  formatDate(d.Day) + ": " + formatCount(d.Count),
		})
	}
	for end := len(days); end > 0; end -= 7 {
		start := max(end-7, 0)
		w := week{From: days[start].Day}
		for _, d := range days[start:end] {
			w.Count += d.Count
		}
		c.Weeks = append(c.Weeks, w)
	}
	c.Summary = fmt.Sprintf("Downloads per day in the last %d days: %s in all", len(days), formatCount(c.Total))
	if c.Total > 0 {
		c.Summary += fmt.Sprintf(", most on %s with %s", formatDate(most.Day), formatCount(most.Count))
	}
	return c
}

// ViewBox is the picture's own measures, as SVG takes them.
func (c chart) ViewBox() string { return fmt.Sprintf("0 0 %d 100", max(1, len(c.Bars)*barPitch)) }

// BarWidth is the width of every bar.
func (c chart) BarWidth() int { return barWidth }
