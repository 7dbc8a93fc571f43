package telemetry

import (
	"strings"
	"testing"
)

func TestWorkAndRoomAreReadAtAScrape(t *testing.T) {
	o := newObserver(t, Options{})
	o.WatchWork(func() []Work {
		return []Work{{Kind: "upload", Places: 4, Inside: 3, Waiting: 2, Refused: 1}, {Kind: "page", Places: 9}}
	})
	o.WatchRoom(func() Room {
		return Room{MemoryLimit: 5, Connections: 6, MaxConnections: 7, Evicted: 8, Disks: []Disk{{Holds: "layers", Free: 10, Least: 11}}}
	})
	text := scrape(t, o)
	for _, line := range []string{
		`openecr_work_places{kind="upload"} 4`, `openecr_work_places{kind="page"} 9`, `openecr_work_in_flight{kind="upload"} 3`,
		`openecr_work_queued{kind="upload"} 2`, `openecr_work_refused_total{kind="upload"} 1`,
		`openecr_memory_limit_bytes 5`, `openecr_connections 6`, `openecr_max_connections 7`, `openecr_connections_evicted_total 8`,
		`openecr_disk_free_bytes{holds="layers"} 10`, `openecr_disk_min_free_bytes{holds="layers"} 11`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %s in\n%s", line, text)
		}
	}
}
