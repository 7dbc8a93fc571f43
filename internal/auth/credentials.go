package auth

import (
	"crypto/rand"
	"encoding/base64"
)

const (
	letters = "abcdefghijklmnopqrstuvwxyz"
	digits  = "0123456789"
)

// NewAccessKey draws an access key in the shape of AWS's: AKIA and 16 of A-Z2-7, and a secret of 40 base64 characters.
func NewAccessKey() (id, secret string) {
	var raw [30]byte
	rand.Read(raw[:])
	return "AKIA" + rand.Text()[:16], base64.StdEncoding.EncodeToString(raw[:])
}

// NewAlias draws a default registry alias, a letter and a digit four times over, such as p8v8e7e5. There are 4.5
// billion, so the caller should expect one that is taken once in a long while.
func NewAlias() string {
	var b [8]byte
	for i := 0; i < len(b); i += 2 {
		b[i], b[i+1] = pick(letters), pick(digits)
	}
	return string(b[:])
}

// NewAccountID draws 12 digits. The first is not 0, so an account id survives spreadsheets and YAML.
func NewAccountID() string {
	var b [12]byte
	b[0] = pick(digits[1:])
	for i := range b[1:] {
		b[1+i] = pick(digits)
	}
	return string(b[:])
}

// pick draws one of up to 256 characters, each as likely as the others: a byte beyond the last whole multiple of their
// number is drawn again.
func pick(from string) byte {
	n := len(from)
	for {
		var b [1]byte
		rand.Read(b[:])
		if int(b[0]) < 256-256%n {
			return from[int(b[0])%n]
		}
	}
}
