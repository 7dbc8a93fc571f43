package registry_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

type modelUpload struct {
	repository           *modelRepository
	algorithm            ref.Algorithm
	parts                []string
	sealed               bool // its bytes are final already, by an end that was refused
	createdAt, updatedAt time.Time
}

func (u *modelUpload) content() string { return strings.Join(u.parts, "") }

// last is the last part, empty before the first.
func (u *modelUpload) last() string {
	if len(u.parts) == 0 {
		return ""
	}
	return u.parts[len(u.parts)-1]
}

// row is the upload as the registry shows it, without what the model does not know. Every part here is a short one.
func (u *modelUpload) row() registry.Upload {
	offset := len(u.content())
	return registry.Upload{
		Offset: int64(offset), Algorithm: u.algorithm, LastPart: int64(offset - len(u.last())), Parts: len(u.parts),
		ShortPart: len(u.parts) > 1, CreatedAt: u.createdAt, UpdatedAt: u.updatedAt,
	}
}

func plainUpload(u registry.Upload) registry.Upload {
	u.ID, u.Repository, u.Locator, u.BlobState, u.Allotted, u.HashState, u.LastState = "", 0, "", nil, 0, nil, nil
	return u
}

// startedUpload is what a client remembers of an upload, also when that has ended.
type startedUpload struct {
	id string
	registry.Path
	registry.Caller
}

// upload mostly is one that runs, by who began it; when none does, a new one.
func (m *machine) upload(t *rapid.T) startedUpload {
	const unknown = "00000000-0000-4000-8000-000000000000"
	from := m.ups
	if !chance(t, "any upload", 20) {
		from = slices.DeleteFunc(slices.Clone(from), func(up startedUpload) bool { return m.model.uploads[up.id] == nil })
	}
	c, p := m.call(t)
	if len(from) == 0 {
		if up, ok := m.start(t, c, p, pick(t, "algorithm", ref.SHA256, ref.SHA512)); ok {
			return up
		}
		return startedUpload{unknown, p, c}
	}
	up := from[len(from)-1-rapid.IntRange(0, min(3, len(from)-1)).Draw(t, "upload")]
	if chance(t, "elsewhere", 10) {
		up.Caller, up.Path = c, p
	}
	return up
}

func (m *model) findUpload(c registry.Caller, action string, p registry.Path, id string) (*modelUpload, error) {
	repo, err := m.open(c, action, p)
	if err != nil {
		return nil, err
	}
	up := m.uploads[id]
	if up == nil || up.repository != repo {
		return nil, refusal(registry.UploadNotFound)
	}
	return up, nil
}

// StartUpload begins one.
func (m *machine) StartUpload(t *rapid.T) {
	c, p := m.call(t)
	m.start(t, c, p, pick(t, "algorithm", ref.SHA256, ref.SHA256, ref.SHA512))
}

// start says whether the upload began.
func (m *machine) start(t *rapid.T, c registry.Caller, p registry.Path, algorithm ref.Algorithm) (startedUpload, bool) {
	got, gotErr := m.registry.StartUploadBy(t.Context(), c, p, algorithm)
	repo, wantErr := m.model.open(c, "InitiateLayerUpload", p)
	up := &modelUpload{repository: repo, algorithm: algorithm, createdAt: m.now(), updatedAt: m.now()}
	agree(t, "StartUpload", plainUpload(got), gotErr, up.row(), wantErr)
	started := startedUpload{got.ID, p, c}
	if gotErr == nil {
		m.model.uploads[got.ID] = up
		m.ups = append(m.ups, started)
	}
	return started, gotErr == nil
}

// FindUpload asks where one stands.
func (m *machine) FindUpload(t *rapid.T) {
	up := m.upload(t)
	got, gotErr := m.registry.FindUpload(t.Context(), up.Caller, up.Path, up.id)
	want, wantErr := m.model.findUpload(up.Caller, "UploadLayerPart", up.Path, up.id)
	if wantErr == nil {
		agree(t, "FindUpload", plainUpload(got), gotErr, want.row(), nil)
	}
	agree(t, "FindUpload", 0, gotErr, 0, wantErr)
}

// modelPart is a registry.Part with its bytes, at whose end the connection may break.
type modelPart struct {
	first, length   int64
	bytes           string
	broken, counted bool
}

func (p modelPart) part() registry.Part {
	body := io.Reader(strings.NewReader(p.bytes))
	if p.broken {
		body = io.MultiReader(body, iotest.ErrReader(errors.New("the client is gone")))
	}
	return registry.Part{First: p.first, Length: p.length, Counted: p.counted, Body: body}
}

// arrives is what is taken from the client, and whether that is all that was announced.
func (p modelPart) arrives() (bytes string, whole bool) {
	if p.length < 0 {
		return p.bytes, !p.broken
	}
	if p.length > int64(len(p.bytes)) {
		return p.bytes, false
	}
	return p.bytes[:p.length], true
}

func (m *model) appendUpload(c registry.Caller, p registry.Path, id string, part modelPart) (registry.Upload, error) {
	up, err := m.findUpload(c, "UploadLayerPart", p, id)
	if err != nil {
		return registry.Upload{}, err
	}
	bytes, whole := part.arrives()
	offset := int64(len(up.content()))
	if part.first >= 0 && part.first != offset {
		return up.row(), up.again(part)
	}
	switch {
	case part.counted && len(up.parts) >= m.limits.LayerParts, offset+int64(len(bytes)) > m.limits.LayerBytes:
		return registry.Upload{}, refusal(registry.LimitExceeded)
	case !whole:
		return registry.Upload{}, refusal(registry.Internal)
	case bytes != "":
		up.parts = append(up.parts, bytes)
		up.updatedAt = m.now()
	}
	return up.row(), nil
}

// again accepts nothing but the last part once more.
func (u *modelUpload) again(part modelPart) error {
	bytes, whole := part.arrives()
	last := u.last()
	switch {
	case part.first != int64(len(u.content())-len(last)) || part.length != int64(len(last)):
		return refusal(registry.InvalidLayerPart)
	case !whole:
		return refusal(registry.Internal)
	case bytes != last:
		return refusal(registry.InvalidLayerPart)
	}
	return nil
}

// AppendUpload sends a part that follows, or comes again, or goes wrong.
func (m *machine) AppendUpload(t *rapid.T) {
	up := m.upload(t)
	part := modelPart{first: -1, length: -1, bytes: pick(t, "bytes", contents...), counted: rapid.Bool().Draw(t, "counted")}
	if known := m.model.uploads[up.id]; known != nil {
		if known.sealed {
			return // whether a store goes on with it is its own affair
		}
		offset, last := int64(len(known.content())), int64(len(known.last()))
		part.first = pick(t, "first", -1, offset, offset, offset-last, 0, offset+1)
		if part.first == offset-last && rapid.Bool().Draw(t, "same bytes") {
			part.bytes = known.last()
		}
	}
	if n := int64(len(part.bytes)); rapid.Bool().Draw(t, "announced") {
		part.length = pick(t, "length", n, n, n, n, n+1, max(n-1, 0))
	}
	part.broken = chance(t, "broken", 10)
	m.append(t, up, part)
}

func (m *machine) append(t *rapid.T, up startedUpload, part modelPart) {
	got, gotErr := m.registry.AppendUpload(t.Context(), up.Caller, up.Path, up.id, part.part())
	want, wantErr := m.model.appendUpload(up.Caller, up.Path, up.id, part)
	agree(t, "AppendUpload", plainUpload(got), gotErr, want, wantErr)
	var refused *registry.Error
	if errors.As(gotErr, &refused) && refused.Kind == registry.InvalidLayerPart {
		agree(t, "the upload in the error", plainUpload(*refused.Upload), nil, want, nil)
	}
}

func (m *model) finishUpload(c registry.Caller, p registry.Path, id string, digests []string, rules registry.FinishRules) (ref.Digest, error) {
	var wanted []ref.Digest
	for _, s := range digests {
		if d, err := ref.ParseDigest(s); err == nil {
			wanted = append(wanted, d)
		}
	}
	if len(wanted) == 0 {
		return ref.Digest{}, refusal(registry.InvalidDigest)
	}
	up, err := m.findUpload(c, "CompleteLayerUpload", p, id)
	if errors.Is(err, refusal(registry.UploadNotFound)) {
		repo, _ := m.open(c, "CompleteLayerUpload", p)
		return ref.Digest{}, m.finishedBefore(repo, wanted)
	}
	if err != nil {
		return ref.Digest{}, err
	}
	content := up.content()
	d, err := up.digest(wanted)
	switch {
	case rules.RefuseEmpty && content == "":
		return ref.Digest{}, refusal(registry.EmptyUpload)
	case rules.RefuseShortParts && len(up.parts) > 1:
		return ref.Digest{}, refusal(registry.LayerPartTooSmall)
	case err != nil:
		up.sealed = up.sealed || slices.ContainsFunc(wanted, func(d ref.Digest) bool { return d.Algorithm() != up.algorithm })
		return ref.Digest{}, err
	}
	delete(m.uploads, id)
	if up.repository.layers[d] != nil {
		m.keep(up.repository, d)
		return d, refusal(registry.LayerAlreadyExists)
	}
	m.addLayer(up.repository, d, int64(len(content)))
	return d, nil
}

// digest is the wanted one that the bytes have, first of all by the algorithm that was announced.
func (u *modelUpload) digest(wanted []ref.Digest) (ref.Digest, error) {
	for _, algorithm := range []ref.Algorithm{u.algorithm, ref.SHA256, ref.SHA512} {
		if d := ref.DigestBytes(algorithm, []byte(u.content())); slices.Contains(wanted, d) {
			return d, nil
		}
	}
	return ref.Digest{}, refusal(registry.InvalidLayer)
}

func (m *model) finishedBefore(repo *modelRepository, wanted []ref.Digest) error {
	err := refusal(registry.UploadNotFound)
	for _, d := range wanted {
		if repo.layers[d] != nil {
			m.keep(repo, d)
			err = refusal(registry.LayerAlreadyExists)
		}
	}
	return err
}

// FinishUpload names the right digest, mostly, and others.
func (m *machine) FinishUpload(t *rapid.T) {
	up := m.upload(t)
	var digests []string
	if known := m.model.uploads[up.id]; known != nil && chance(t, "right digest", 80) {
		digests = append(digests, ref.DigestBytes(pick(t, "algorithm", ref.SHA256, ref.SHA256, ref.SHA512), []byte(known.content())).String())
	}
	for range rapid.IntRange(1-min(1, len(digests)), 2).Draw(t, "more digests") {
		digests = append(digests, pick(t, "digest", anyDigest(t).String(), anyDigest(t).String(), "sha256:short", "md5:0123"))
	}
	m.end(t, up, digests, pick(t, "rules", registry.FinishRules{}, registry.FinishRules{RefuseEmpty: true, RefuseShortParts: true}))
}

func (m *machine) end(t *rapid.T, up startedUpload, digests []string, rules registry.FinishRules) {
	got, gotErr := m.registry.FinishUpload(t.Context(), up.Caller, up.Path, up.id, digests, rules)
	d, wantErr := m.model.finishUpload(up.Caller, up.Path, up.id, digests, rules)
	agree(t, "FinishUpload", got.Digest, gotErr, d, wantErr)
	if errors.Is(wantErr, refusal(registry.LayerAlreadyExists)) && !slices.Contains(digests, got.Digest.String()) {
		t.Fatalf("FinishUpload says that layer %s is there, which was not asked for", got.Digest)
	}
	if gotErr == nil {
		m.known[d] = true
	}
}

func (m *model) sendUpload(c registry.Caller, p registry.Path, id string, part modelPart, d ref.Digest) (ref.Digest, error) {
	if _, err := m.open(c, "CompleteLayerUpload", p); err != nil {
		return ref.Digest{}, err
	}
	up, err := m.findUpload(c, "UploadLayerPart", p, id)
	switch {
	case errors.Is(err, refusal(registry.UploadNotFound)):
		return m.finishUpload(c, p, id, []string{d.String()}, registry.FinishRules{})
	case err != nil:
		return ref.Digest{}, err
	}
	if bytes, whole := part.arrives(); up.content() == "" && part.first <= 0 && whole && int64(len(bytes)) <= m.limits.LayerBytes &&
		ref.DigestBytes(d.Algorithm(), []byte(bytes)) != d {
		return ref.Digest{}, refusal(registry.InvalidLayer) // and nothing of it stays
	}
	if _, err := m.appendUpload(c, p, id, part); err != nil {
		return ref.Digest{}, err
	}
	return m.finishUpload(c, p, id, []string{d.String()}, registry.FinishRules{})
}

// SendUpload ends one with its last part.
func (m *machine) SendUpload(t *rapid.T) {
	up := m.upload(t)
	part := modelPart{first: -1, length: -1, bytes: pick(t, "bytes", contents...), broken: chance(t, "broken", 10)}
	var before string
	if known := m.model.uploads[up.id]; known != nil {
		if known.sealed {
			return
		}
		before = known.content()
		part.first = pick(t, "first", -1, int64(len(before)), int64(len(before)), 0, int64(len(before))+1)
	}
	d := ref.DigestBytes(pick(t, "algorithm", ref.SHA256, ref.SHA256, ref.SHA512), []byte(before+part.bytes))
	if chance(t, "wrong digest", 20) {
		d = anyDigest(t)
	}
	got, gotErr := m.registry.SendUpload(t.Context(), up.Caller, up.Path, up.id, part.part(), d)
	want, wantErr := m.model.sendUpload(up.Caller, up.Path, up.id, part, d)
	agree(t, "SendUpload", got.Digest, gotErr, want, wantErr)
	if gotErr == nil {
		m.known[d] = true
	}
}

// CancelUpload ends one without a layer.
func (m *machine) CancelUpload(t *rapid.T) {
	up := m.upload(t)
	gotErr := m.registry.CancelUpload(t.Context(), up.Caller, up.Path, up.id)
	_, wantErr := m.model.findUpload(up.Caller, "UploadLayerPart", up.Path, up.id)
	if wantErr == nil {
		delete(m.model.uploads, up.id)
	}
	agree(t, "CancelUpload", 0, gotErr, 0, wantErr)
}

// PushLayer is a whole upload, which random steps alone would rarely make.
func (m *machine) PushLayer(t *rapid.T) {
	c, p := m.call(t)
	m.push(t, c, p, pick(t, "algorithm", ref.SHA256, ref.SHA256, ref.SHA512), pick(t, "content", contents...))
}

func (m *machine) push(t *rapid.T, c registry.Caller, p registry.Path, algorithm ref.Algorithm, content string) {
	if up, ok := m.start(t, c, p, algorithm); ok {
		m.append(t, up, modelPart{first: 0, length: int64(len(content)), bytes: content})
		m.end(t, up, []string{ref.DigestBytes(algorithm, []byte(content)).String()}, registry.FinishRules{})
	}
}
