package auth

import (
	"bytes"
	"errors"
	"testing"
)

func newSealer(t testing.TB, masterKey [32]byte) *Sealer {
	t.Helper()
	s, err := NewSealer(masterKey)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSealRoundTrip(t *testing.T) {
	s := newSealer(t, [32]byte{1})
	for _, plain := range [][]byte{nil, []byte("secret"), bytes.Repeat([]byte("x"), 1000)} {
		sealed := s.Seal(plain, []byte("purpose"))
		if len(plain) > 0 && bytes.Contains(sealed, plain) {
			t.Error("the sealed value shows the secret")
		}
		got, err := newSealer(t, [32]byte{1}).Open(sealed, []byte("purpose"))
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("got %q, %v, want %q", got, err, plain)
		}
		if bytes.Equal(sealed, s.Seal(plain, []byte("purpose"))) {
			t.Error("the same secret sealed twice looks the same")
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	s := newSealer(t, [32]byte{1})
	sealed := s.Seal([]byte("secret"), []byte("purpose"))

	if got, err := newSealer(t, [32]byte{2}).Open(sealed, []byte("purpose")); !errors.Is(err, ErrWrongMasterKey) {
		t.Errorf("another master key gives %q, %v, want ErrWrongMasterKey", got, err)
	}
	if got, err := s.Open(sealed, []byte("other")); !errors.Is(err, ErrUnsealable) {
		t.Errorf("another purpose gives %q, %v, want ErrUnsealable", got, err)
	}
	for n := range sealed {
		if got, err := s.Open(sealed[:n], []byte("purpose")); err == nil {
			t.Errorf("the first %d bytes give %q", n, got)
		}
		altered := bytes.Clone(sealed)
		altered[n] ^= 1
		if got, err := s.Open(altered, []byte("purpose")); err == nil {
			t.Errorf("with byte %d altered it gives %q", n, got)
		}
	}
}

func FuzzOpen(f *testing.F) {
	s := newSealer(f, [32]byte{1})
	f.Add(s.Seal([]byte("secret"), nil), []byte(nil))
	f.Add([]byte{sealVersion}, []byte("x"))
	f.Add(append(bytes.Clone(s.header), 0), []byte("x"))
	f.Fuzz(func(t *testing.T, sealed, purpose []byte) {
		got, err := s.Open(sealed, purpose)
		if err == nil && string(got) != "secret" {
			t.Errorf("%x was never sealed and gives %q", sealed, got)
		}
	})
}
