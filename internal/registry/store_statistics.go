package registry

// StatisticsTx counts what operators watch.
type StatisticsTx interface {
	// CountUploads that have begun and not ended.
	CountUploads() (int, error)
}
