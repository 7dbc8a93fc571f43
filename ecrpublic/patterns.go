package ecrpublic

// patterns are the regular expressions that check tags name. They are part of the API: a violation prints them, so
// they are spelled as the service spells them. A string must match as a whole, whether or not the expression has
// anchors.
var patterns = map[string]string{
	"layerDigest":    `[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+`,
	"notBlank":       `^\S+$`,
	"registryAlias":  `[a-z][a-z0-9]+(?:[._-][a-z0-9]+)*`,
	"registryId":     `[0-9]{12}`,
	"repositoryName": `(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*`,
	"uploadId":       `[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`,
}
