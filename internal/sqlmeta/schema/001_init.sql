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

-- keep_until is NULL while an image of the repository references the layer.
CREATE TABLE layer (
    repository_id BIGINT   NOT NULL REFERENCES repository (id) ON DELETE RESTRICT,
    digest        {{blob}} NOT NULL REFERENCES blob (digest) ON DELETE RESTRICT,
    size          BIGINT   NOT NULL,
    media_type    {{text}} NOT NULL,
    keep_until    BIGINT,
    PRIMARY KEY (repository_id, digest)
) {{keyed}};
CREATE INDEX layer_keep_until ON layer (keep_until) WHERE keep_until IS NOT NULL;

CREATE TABLE upload (
    id            {{text}} PRIMARY KEY,
    repository_id BIGINT   NOT NULL REFERENCES repository (id) ON DELETE RESTRICT,
    locator       {{text}} NOT NULL,
    byte_offset   BIGINT   NOT NULL,
    algorithm     BIGINT   NOT NULL,
    hash_state    {{blob}},
    last_part     BIGINT   NOT NULL,
    parts         BIGINT   NOT NULL,
    short_part    BOOLEAN  NOT NULL,
    created_at    BIGINT   NOT NULL,
    updated_at    BIGINT   NOT NULL
) {{keyed}};
CREATE INDEX upload_repository ON upload (repository_id);

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
