package registry

// EncodeLogo is open to the fuzz test.
func (r *Registry) EncodeLogo(file []byte) ([]byte, error) { return r.encodeLogo(file) }
