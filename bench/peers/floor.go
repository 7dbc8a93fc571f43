package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
)

// serveFloor answers with the least work that a load could cost in Go:
//
//	POST /echo?bytes=N   reads the body and writes N bytes
//	PUT  /blob           hashes the body, writes it to a file and syncs that
//	PUT  /part           hashes the body, and three quarters of it again while writing them: base64 in a signed body
//	GET  /file           sends the file that was put last
func serveFloor(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("floor: want an address and a folder, got %d arguments", len(args))
	}
	addr, dir := args[0], args[1]
	payload := make([]byte, 1<<20)
	var files atomic.Int64
	path := func(n int64) string { return filepath.Join(dir, strconv.FormatInt(n, 10)) }
	put := func(w http.ResponseWriter, r *http.Request, twice bool) {
		if err := hashAndWrite(path(files.Add(1)), r.Body, twice); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusCreated)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(r.URL.Query().Get("bytes"))
		if err != nil || n > len(payload) {
			http.Error(w, "bytes", http.StatusBadRequest)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write(payload[:n])
	})
	mux.HandleFunc("PUT /blob", func(w http.ResponseWriter, r *http.Request) { put(w, r, false) })
	mux.HandleFunc("PUT /part", func(w http.ResponseWriter, r *http.Request) { put(w, r, true) })
	mux.HandleFunc("GET /file", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, path(files.Load())) })
	return http.ListenAndServe(addr, mux)
}

// ask is the least that a program on the command line could do: send a request and read the answer.
func ask(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("ask: want a URL, got %d arguments", len(args))
	}
	answer, err := http.Get(args[0])
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

func hashAndWrite(path string, body io.Reader, twice bool) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	whole, part, buf := sha256.New(), sha256.New(), make([]byte, 256<<10)
	for {
		n, err := io.ReadFull(body, buf)
		whole.Write(buf[:n])
		kept := buf[:n]
		if twice {
			kept = buf[:n*3/4]
			part.Write(kept)
		}
		if _, err := f.Write(kept); err != nil {
			return err
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return syscall.Fdatasync(int(f.Fd()))
		}
		if err != nil {
			return err
		}
	}
}
