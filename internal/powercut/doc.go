// Package powercut says what a disk may hold after the power failed: a test runs a program under strace, and this package
// makes, from what strace wrote down, folders that a power cut at any moment could have left behind.
//
// Killing a program is not enough for that, because the kernel still has what it has not yet written out. Here nothing
// stays for sure but what fsync or fdatasync has promised; anything else may be there or not, in any mixture that a
// journaling file system can come to (see Disk.Write). SQLite's files are no exception, so a whole data folder can be cut.
//
// It is for tests only, and knows nothing of registries. Read next: disk.go for the rules.
package powercut
