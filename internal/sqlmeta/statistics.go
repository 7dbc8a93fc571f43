package sqlmeta

func (t *tx) CountUploads() (int, error) { return t.count("SELECT count(*) FROM upload") }
