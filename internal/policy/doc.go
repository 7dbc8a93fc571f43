// Package policy reads and evaluates the IAM policy language, as far as a public registry uses it: the policy of a
// repository says who may do what with it, the policy of an access key says what its holder may do.
//
// The life of a policy: [Parse] checks every byte of the text and compiles it, [Policy.String] prints it as the service
// stores it, [Evaluate] asks the policies of one side about a request, and [Combine] makes one answer of both sides,
// worded as the service words it. [LocksOut] looks ahead before a policy is set.
//
// The package is pure: it knows no HTTP, no SQL, no clock and no other package of this module. Whatever a condition
// may ask about, the time included, comes in with the [Request]. Who calls, and which policies apply, is decided by
// its callers; so are the size limit of a policy and whether the accounts it names exist.
//
// The rules follow the IAM User Guide, chapter "IAM JSON policy reference". Three of its parts are refused with a
// clear error instead of being half done: NotPrincipal, BinaryEquals (no condition key here is binary), and principals
// that cannot sign in here (Federated, CanonicalUser, sessions of roles).
//
// Start reading at parse.go, then statement.go and evaluate.go. A condition is condition.go; what its operators compare
// is in the operator_ files.
package policy
