package app

import (
	"runtime/debug"
	"time"
)

// settleAfter is when a server has started and been asked the first things.
const settleAfter = time.Second

// giveBackMemory gives the system what only the start has used: garbage, and the parts of the program that ran for once.
// What is needed after all comes back by itself.
func giveBackMemory() {
	debug.FreeOSMemory()
	dropProgramPages()
}
