// Package gallery is the pages for people: they find a repository, read what it is, and copy how to pull it.
//
// Pages are HTML from the server, whole without scripts; the one script adds copying, a theme that is remembered and
// results while typing. It holds no rule about repositories: it calls the reading verbs of package registry and shows what
// they answer. What owners write is hostile until proven otherwise: html/template escapes it, and Markdown is sanitised.
// The docker wire and the AWS API are packages ociapi and ecrapi.
//
// Owners sign in with what the API and docker know them by, and change what is theirs by forms. Each form is a verb of the
// core, which decides whether the caller may; it carries a key of the session, so that no other page can send it.
//
// Read next: route.go for which address is which page, gallery.go for the path of a request, page.go for what every page
// has, session.go and owner.go for owners, templates/layout.html for how it looks. Each page is a template of its own.
package gallery
