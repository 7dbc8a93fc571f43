-- Words in double braces differ between databases; dialect.go has their meaning.
--
-- A digest is its key: one algorithm byte and the raw sum. Times are unix milliseconds. Columns catalog and tags hold
-- JSON that the database never looks into. Every reference is RESTRICT: a row that is still needed stops a delete
-- instead of vanishing with it, so each delete names all it takes.

CREATE TABLE account (
    id         {{text}} PRIMARY KEY,
    disabled   BOOLEAN  NOT NULL,
    verified   BOOLEAN  NOT NULL,
    created_at BIGINT   NOT NULL
) {{keyed}};

CREATE TABLE alias (
    name       {{text}} PRIMARY KEY,
    account_id {{text}} NOT NULL REFERENCES account (id) ON DELETE RESTRICT,
    is_default BOOLEAN  NOT NULL,
    is_primary BOOLEAN  NOT NULL,
    created_at BIGINT   NOT NULL
) {{keyed}};
CREATE INDEX alias_account ON alias (account_id, name);
CREATE UNIQUE INDEX alias_default ON alias (account_id) WHERE is_default;
CREATE UNIQUE INDEX alias_primary ON alias (account_id) WHERE is_primary;

CREATE TABLE access_key (
    id            {{text}} PRIMARY KEY,
    account_id    {{text}} NOT NULL REFERENCES account (id) ON DELETE RESTRICT,
    user_name     {{text}} NOT NULL,
    policy        {{text}} NOT NULL,
    sealed_secret {{blob}} NOT NULL,
    disabled      BOOLEAN  NOT NULL,
    created_at    BIGINT   NOT NULL
) {{keyed}};
CREATE INDEX access_key_account ON access_key (account_id, id);

CREATE TABLE setting (
    name  {{text}} PRIMARY KEY,
    value {{blob}} NOT NULL
) {{keyed}};

CREATE TABLE repository (
    id         {{never reused}},
    account_id {{text}} NOT NULL REFERENCES account (id) ON DELETE RESTRICT,
    name       {{text}} NOT NULL,
    created_at BIGINT   NOT NULL,
    catalog    {{text}} NOT NULL,
    policy     {{text}} NOT NULL,
    tags       {{text}} NOT NULL,
    UNIQUE (account_id, name)
);

-- What an owner says about a whole registry. No row until something is said.
CREATE TABLE registry_profile (
    account_id   {{text}} PRIMARY KEY REFERENCES account (id) ON DELETE RESTRICT,
    display_name {{text}},
    tags         {{text}} NOT NULL
) {{keyed}};

CREATE TABLE logo (
    id            {{text}} PRIMARY KEY,
    repository_id BIGINT   NOT NULL REFERENCES repository (id) ON DELETE RESTRICT,
    image         {{blob}} NOT NULL
);
CREATE INDEX logo_repository ON logo (repository_id);

CREATE TABLE blob (
    digest     {{blob}} PRIMARY KEY,
    size       BIGINT   NOT NULL,
    locator    {{text}} NOT NULL,
    created_at BIGINT   NOT NULL
) {{keyed}};
CREATE INDEX blob_locator ON blob (locator);

-- keep_until is NULL while an image of the repository references the layer.
CREATE TABLE layer (
    repository_id BIGINT   NOT NULL REFERENCES repository (id) ON DELETE RESTRICT,
    digest        {{blob}} NOT NULL REFERENCES blob (digest) ON DELETE RESTRICT,
    size          BIGINT   NOT NULL,
    media_type    {{text}} NOT NULL,
    keep_until    BIGINT,
    PRIMARY KEY (repository_id, digest)
) {{keyed}};
CREATE INDEX layer_digest ON layer (digest);
CREATE INDEX layer_keep_until ON layer (keep_until) WHERE keep_until IS NOT NULL;

CREATE TABLE upload (
    id            {{text}} PRIMARY KEY,
    repository_id BIGINT   NOT NULL REFERENCES repository (id) ON DELETE RESTRICT,
    locator       {{text}} NOT NULL,
    byte_offset   BIGINT   NOT NULL,
    blob_state    {{blob}},
    allotted      BIGINT   NOT NULL,
    algorithm     BIGINT   NOT NULL,
    hash_state    {{blob}},
    last_part     BIGINT   NOT NULL,
    last_state    {{blob}},
    parts         BIGINT   NOT NULL,
    short_part    BOOLEAN  NOT NULL,
    created_at    BIGINT   NOT NULL,
    updated_at    BIGINT   NOT NULL
) {{keyed}};
CREATE INDEX upload_repository ON upload (repository_id);
CREATE INDEX upload_updated ON upload (updated_at, id);
CREATE INDEX upload_locator ON upload (locator);

-- Not {{keyed}}: manifests are large, and a listing must step over them without reading them.
CREATE TABLE image (
    repository_id       BIGINT   NOT NULL REFERENCES repository (id) ON DELETE RESTRICT,
    digest              {{blob}} NOT NULL,
    media_type          {{text}} NOT NULL,
    artifact_media_type {{text}} NOT NULL,
    artifact_type       {{text}} NOT NULL,
    size                BIGINT   NOT NULL,
    pushed_at           BIGINT   NOT NULL,
    subject             {{blob}},
    manifest            {{blob}},
    PRIMARY KEY (repository_id, digest)
);
CREATE INDEX image_subject ON image (repository_id, subject, digest) WHERE subject IS NOT NULL;

-- How many images a repository has, because counting 100,000 takes longer than a push. No row is none.
CREATE TABLE image_count (
    repository_id BIGINT PRIMARY KEY REFERENCES repository (id) ON DELETE RESTRICT,
    images        BIGINT NOT NULL
) {{keyed}};

CREATE TABLE image_layer (
    repository_id BIGINT   NOT NULL,
    image_digest  {{blob}} NOT NULL,
    layer_digest  {{blob}} NOT NULL,
    PRIMARY KEY (repository_id, image_digest, layer_digest),
    FOREIGN KEY (repository_id, image_digest) REFERENCES image (repository_id, digest) ON DELETE RESTRICT,
    FOREIGN KEY (repository_id, layer_digest) REFERENCES layer (repository_id, digest) ON DELETE RESTRICT
) {{keyed}};
CREATE INDEX image_layer_layer ON image_layer (repository_id, layer_digest);

-- A layer that an image names and need not have. When it comes, this row becomes one of image_layer.
CREATE TABLE image_absent (
    repository_id BIGINT   NOT NULL,
    image_digest  {{blob}} NOT NULL,
    layer_digest  {{blob}} NOT NULL,
    media_type    {{text}} NOT NULL,
    PRIMARY KEY (repository_id, image_digest, layer_digest),
    FOREIGN KEY (repository_id, image_digest) REFERENCES image (repository_id, digest) ON DELETE RESTRICT
) {{keyed}};
CREATE INDEX image_absent_layer ON image_absent (repository_id, layer_digest, image_digest, media_type);

CREATE TABLE image_child (
    repository_id BIGINT   NOT NULL,
    image_digest  {{blob}} NOT NULL,
    child_digest  {{blob}} NOT NULL,
    PRIMARY KEY (repository_id, image_digest, child_digest),
    FOREIGN KEY (repository_id, image_digest) REFERENCES image (repository_id, digest) ON DELETE RESTRICT,
    FOREIGN KEY (repository_id, child_digest) REFERENCES image (repository_id, digest) ON DELETE RESTRICT
) {{keyed}};
CREATE INDEX image_child_child ON image_child (repository_id, child_digest);

CREATE TABLE tag (
    repository_id BIGINT   NOT NULL,
    name          {{text}} NOT NULL,
    image_digest  {{blob}} NOT NULL,
    created_at    BIGINT   NOT NULL,
    PRIMARY KEY (repository_id, name),
    FOREIGN KEY (repository_id, image_digest) REFERENCES image (repository_id, digest) ON DELETE RESTRICT
) {{keyed}};
-- It holds every column, or SQLite prefers to read all tags of a repository by primary key, also to check the reference
-- above when an image is deleted.
CREATE INDEX tag_image ON tag (repository_id, image_digest, name, created_at);

-- Digests that have lost a layer in some repository since collection looked, so their bytes may be needed no more.
CREATE TABLE unused_blob (
    digest {{blob}} PRIMARY KEY
) {{keyed}};

-- Stored bytes whose row has gone and that follow it later.
CREATE TABLE released_bytes (
    locator     {{text}} PRIMARY KEY,
    released_at BIGINT NOT NULL
) {{keyed}};
CREATE INDEX released_bytes_at ON released_bytes (released_at, locator);

-- One row while an operator keeps everything as it is, none otherwise.
CREATE TABLE read_only (
    since BIGINT PRIMARY KEY
) {{keyed}};

CREATE TABLE job_lease (
    name       {{text}} PRIMARY KEY,
    holder     {{text}} NOT NULL,
    held_until BIGINT   NOT NULL
) {{keyed}};

-- Rows that were broken and taken out of sight, as JSON. Collection keeps the bytes that they name.
CREATE TABLE quarantine (
    id      {{never reused}},
    kind    {{text}} NOT NULL,
    locator {{text}},
    content {{text}} NOT NULL,
    why     {{text}} NOT NULL,
    at      BIGINT   NOT NULL
);
CREATE INDEX quarantine_locator ON quarantine (locator) WHERE locator IS NOT NULL;

-- What lists show of an image. The three sets are bits that package registry gives a meaning; platforms is JSON.
CREATE TABLE image_face (
    repository_id BIGINT   NOT NULL,
    image_digest  {{blob}} NOT NULL,
    systems       BIGINT   NOT NULL,
    architectures BIGINT   NOT NULL,
    kinds         BIGINT   NOT NULL,
    platforms     {{text}} NOT NULL,
    PRIMARY KEY (repository_id, image_digest),
    FOREIGN KEY (repository_id, image_digest) REFERENCES image (repository_id, digest) ON DELETE RESTRICT
) {{keyed}};
CREATE INDEX image_face_traits ON image_face (repository_id, systems, architectures, kinds);
CREATE INDEX tag_created_at ON tag (repository_id, created_at, name);

CREATE TABLE download_day (
    repository_id BIGINT   NOT NULL REFERENCES repository (id) ON DELETE RESTRICT,
    day           BIGINT   NOT NULL,
    tag           {{text}} NOT NULL,
    downloads     BIGINT   NOT NULL,
    PRIMARY KEY (repository_id, day, tag)
) {{keyed}};
CREATE INDEX download_day_day ON download_day (day);

CREATE TABLE download_total (
    repository_id BIGINT PRIMARY KEY REFERENCES repository (id) ON DELETE RESTRICT,
    downloads     BIGINT NOT NULL
) {{keyed}};

-- What happened to the registry of an account lately; reason is empty for what was done.
CREATE TABLE event (
    id         {{never reused}},
    account_id {{text}} NOT NULL REFERENCES account (id) ON DELETE RESTRICT,
    action     {{text}} NOT NULL,
    repository {{text}} NOT NULL,
    subject    {{text}} NOT NULL,
    caller     {{text}} NOT NULL,
    reason     {{text}} NOT NULL,
    at         BIGINT   NOT NULL,
    times      BIGINT   NOT NULL
);
CREATE INDEX event_account ON event (account_id, id);

-- From here on everything is derived from the tables above, and can be made again from them.

-- The repositories that have an image, with what search filters and orders by. leaf is the name behind its last '/'.
CREATE TABLE listing (
    repository_id {{row number}} REFERENCES repository (id) ON DELETE RESTRICT,
    account_id    {{text}} NOT NULL,
    name          {{text}} NOT NULL,
    leaf          {{text}} NOT NULL,
    systems       BIGINT   NOT NULL,
    architectures BIGINT   NOT NULL,
    kinds         BIGINT   NOT NULL,
    verified      BOOLEAN  NOT NULL,
    pushed_at     BIGINT   NOT NULL,
    downloads     BIGINT   NOT NULL
);
CREATE INDEX listing_account ON listing (account_id, name, downloads);
CREATE INDEX listing_name ON listing (name);
CREATE INDEX listing_leaf ON listing (leaf, downloads);
CREATE INDEX listing_downloads ON listing (downloads DESC, repository_id);
CREATE INDEX listing_pushed_at ON listing (pushed_at DESC, repository_id);
CREATE INDEX listing_verified ON listing (downloads DESC, repository_id) WHERE verified;

-- How many tags of a repository have a word.
CREATE TABLE tag_word (
    repository_id BIGINT   NOT NULL REFERENCES repository (id) ON DELETE RESTRICT,
    word          {{text}} NOT NULL,
    tags          BIGINT   NOT NULL,
    PRIMARY KEY (repository_id, word)
) {{keyed}};

-- The words of a document that are found in spite of a slip, between spaces.
CREATE TABLE search_document (
    repository_id BIGINT   PRIMARY KEY REFERENCES repository (id) ON DELETE RESTRICT,
    words         {{text}} NOT NULL
) {{keyed}};

-- Those words with what is left of each when one letter is left out. Two words that are one slip apart have a variant in
-- common.
CREATE TABLE search_variant (
    variant {{text}} NOT NULL,
    word    {{text}} NOT NULL,
    PRIMARY KEY (variant, word)
) {{keyed}};

{{search index}}
