// Package webhook sends events to the addresses that want to hear of them: CloudEvents 1.0 as JSON over HTTP, signed as
// Standard Webhooks has it.
//
// The core puts events into a queue in the metadata, in the transaction that makes them happen; this package takes them out.
// It may send an event more than once, never knowingly less than once before it gives up. It decides nothing about what
// is an event: that is in registry/webhook.go.
//
// Read next: worker.go for who sends what and when, send.go for a single request.
package webhook
