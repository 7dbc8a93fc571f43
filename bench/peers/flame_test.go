package main

import (
	"strings"
	"testing"
	"time"
)

const traces = `File: openecr
Type: cpu
Duration: 4s, Total samples = 60ms ( 1.50%)
-----------+-------------------------------------------------------
      10ms   internal/runtime/syscall/linux.Syscall6
             syscall.RawSyscall6
             main.main
-----------+-------------------------------------------------------
      50ms   example.com/a.(*B[go.shape.int]).c (inline)
             main.main
-----------+-------------------------------------------------------
`

func TestTracesAreRead(t *testing.T) {
	stacks, err := parseTraces([]byte(strings.TrimSuffix(traces, "-----------+-------------------------------------------------------\n")))
	must(t, err)
	if len(stacks) != 2 || stacks[0].time != 10*time.Millisecond || strings.Join(stacks[0].calls, " > ") != "main.main > syscall.RawSyscall6 > internal/runtime/syscall/linux.Syscall6" {
		t.Errorf("%v", stacks)
	}
	if got := strings.Join(stacks[1].calls, " > "); got != "main.main > example.com/a.(*B[go.shape.int]).c" {
		t.Error(got)
	}
	if _, err := parseTraces([]byte("-----------+---\nnonsense\n")); err == nil {
		t.Error("a block without a time was read")
	}
}

func TestFlameGraphIsWideWhereTimeIsSpent(t *testing.T) {
	svg := drawFlame("a < b", []stack{
		{[]string{"main.main", "net/http.Serve"}, 30 * time.Millisecond},
		{[]string{"main.main", "syscall.Write"}, 10 * time.Millisecond},
		{[]string{"main.main", "syscall.Write", "too.narrow"}, time.Microsecond},
	})
	for _, want := range []string{
		"a &lt; b: 0.04 s", "<title>main.main 100.0 %</title>", `<title>net/http.Serve 75.0 %</title><rect x="0.0" y="34" width="900.0"`,
		`<title>syscall.Write 25.0 %</title><rect x="900.0"`,
	} {
		if !strings.Contains(svg, want) {
			t.Errorf("%q is missing in\n%s", want, svg)
		}
	}
	if strings.Contains(svg, "too.narrow") {
		t.Error("a frame of less than a pixel is drawn")
	}
}
