package auth

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
)

var (
	// ErrWrongMasterKey is a value that was sealed under another master key.
	ErrWrongMasterKey = errors.New("sealed under another master key")

	// ErrUnsealable is a value that this master key sealed, and that was altered or belongs elsewhere since.
	ErrUnsealable = errors.New("sealed value was altered, or was sealed for another purpose")
)

const (
	sealVersion = 1
	keyMarkSize = 8
	sealHeader  = 1 + keyMarkSize
)

// Sealer encrypts secrets at rest with AES-256-GCM. A sealed value is
//
//	version (1 byte) | mark of the master key (8) | nonce (12) | ciphertext, as long as the secret | tag (16)
//
// The mark is what tells a wrong master key from a damaged value. Nonces are random, so one master key is good for
// 2^32 values. A Sealer is safe for concurrent use.
type Sealer struct {
	aead   cipher.AEAD
	header []byte // version and mark
}

// NewSealer makes a Sealer under a master key. Its error means only that the platform has no AES-GCM.
func NewSealer(masterKey [32]byte) (*Sealer, error) {
	block, err := aes.NewCipher(masterKey[:])
	if err != nil {
		return nil, fmt.Errorf("make sealer: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("make sealer: %w", err)
	}
	mark := hmacSHA256(masterKey[:], []byte("openecr master key mark"))
	return &Sealer{aead: aead, header: append([]byte{sealVersion}, mark[:keyMarkSize]...)}, nil
}

// Seal encrypts plain for one purpose: Open succeeds only with the same purpose, so a sealed value copied to another
// row does not open there. The access key id is a good purpose for its secret.
func (s *Sealer) Seal(plain, purpose []byte) []byte {
	sealed := make([]byte, 0, sealHeader+len(plain)+s.aead.Overhead())
	sealed = append(sealed, s.header...)
	return s.aead.Seal(sealed, nil, plain, purpose)
}

// Open gives back what Seal was given, or ErrWrongMasterKey or ErrUnsealable.
func (s *Sealer) Open(sealed, purpose []byte) ([]byte, error) {
	if len(sealed) < sealHeader || sealed[0] != sealVersion {
		return nil, ErrUnsealable
	}
	if !bytes.Equal(sealed[:sealHeader], s.header) {
		return nil, ErrWrongMasterKey
	}
	plain, err := s.aead.Open(nil, nil, sealed[sealHeader:], purpose)
	if err != nil {
		return nil, ErrUnsealable
	}
	return plain, nil
}
