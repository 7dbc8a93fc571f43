// Package admission decides how much work of a kind runs at once, who waits for it and who is sent away.
//
// A Gate has places. Whoever finds one goes through; others wait in a queue that is bounded in length and in time. It is
// fair between callers, whoever they are: the queue is served in turns, the last places are shared out, and where the
// queue is full it is the caller with most requests in it who loses one.
//
// It knows neither HTTP nor accounts. Package app has a gate for each kind of work, and says who a caller is.
//
// Read next: Gate, whose comment says how the places are shared.
package admission
