package app

import (
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// requestLines is slog's JSON handler that has a way of its own for the line of a request, which is written for every one:
// it is appended to a buffer, the same to the byte, in a third of the time.
type requestLines struct {
	*slog.JSONHandler
	w     io.Writer // which takes lines from many goroutines, each in one Write
	lines sync.Pool // of *[]byte
}

func newRequestLines(w io.Writer, o *slog.HandlerOptions) *requestLines {
	return &requestLines{JSONHandler: slog.NewJSONHandler(w, o), w: w, lines: sync.Pool{New: func() any { return new([]byte) }}}
}

// write is false when there is a character that JSON escapes: then nothing is written, and slog knows how.
func (h *requestLines) write(at time.Time, level slog.Level, r *http.Request, rec *record, in int64, out *countingWriter, took time.Duration) bool {
	buffer := h.lines.Get().(*[]byte)
	defer h.lines.Put(buffer)
	l := line{b: append((*buffer)[:0], `{"time":"`...)}
	l.b = at.AppendFormat(l.b, time.RFC3339Nano)
	l.b = append(l.b, `","level":"`...)
	l.b = append(l.b, level.String()...)
	l.b = append(l.b, `","msg":"request"`...)
	l.text("request_id", rec.id)
	l.text("method", r.Method)
	l.text("path", r.URL.Path)
	l.number("status", int64(out.status))
	l.number("bytes_in", in)
	l.number("bytes_out", out.n)
	l.key("duration_ms")
	l.b = strconv.AppendFloat(l.b, milliseconds(took), 'f', -1, 64)
	l.text("remote", rec.from.remote)
	if rec.operation != "" {
		l.text("operation", rec.operation)
	}
	if !rec.caller.Anonymous() {
		l.text("caller", rec.caller.ARN)
	}
	if rec.trace != "" {
		l.text("trace_id", rec.trace)
	}
	if rec.err != nil {
		l.text("error", rec.err.Error())
	}
	*buffer = append(l.b, "}\n"...)
	if l.escaped {
		return false
	}
	_, _ = h.w.Write(*buffer) // as Logger does: there is nobody else to tell
	return true
}

// line is a JSON object on its way.
type line struct {
	b       []byte
	escaped bool // a text has a character that does not stand for itself
}

func (l *line) key(name string) {
	l.b = append(l.b, `,"`...)
	l.b = append(l.b, name...)
	l.b = append(l.b, `":`...)
}

func (l *line) number(name string, n int64) {
	l.key(name)
	l.b = strconv.AppendInt(l.b, n, 10)
}

func (l *line) text(name, text string) {
	l.key(name)
	for i := range len(text) {
		if c := text[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			l.escaped = true
			return
		}
	}
	l.b = append(l.b, '"')
	l.b = append(l.b, text...)
	l.b = append(l.b, '"')
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
