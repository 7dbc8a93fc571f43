package registry

// Observer hears what the verbs have done, for whoever counts it. A function that is nil is not called. They run inside
// requests and side by side, so they return at once.
type Observer struct {
	// LayersChecked: so many of the layers asked about were there and so many were not; cached says that no statement was
	// needed to know.
	LayersChecked func(available, absent int, cached bool)
	// LeasesRenewed: so many layers without an image were promised anew.
	LeasesRenewed func(layers int)
	// UploadStarted is heard of every upload; it ends by LayerUploaded, by UploadCancelled or by expiry.
	UploadStarted   func()
	UploadCancelled func()
	// LayerUploaded: an upload of so many bytes was finished. It was in vain when the repository had the layer.
	LayerUploaded func(bytes int64, inVain bool)
	// LayerMounted: a repository got a layer of another one.
	LayerMounted func()
	// Collected: a collection has removed so much; with an error when it did not get to its end. Dry runs are not heard of.
	Collected func(done Collected, err error)
	// ImagePushed: an image was added, or got another tag.
	ImagePushed func()
}

// withDefaults spares the verbs from asking whether anybody listens.
func (o Observer) withDefaults() Observer {
	if o.LayersChecked == nil {
		o.LayersChecked = func(int, int, bool) {}
	}
	if o.LeasesRenewed == nil {
		o.LeasesRenewed = func(int) {}
	}
	if o.UploadStarted == nil {
		o.UploadStarted = func() {}
	}
	if o.UploadCancelled == nil {
		o.UploadCancelled = func() {}
	}
	if o.LayerUploaded == nil {
		o.LayerUploaded = func(int64, bool) {}
	}
	if o.LayerMounted == nil {
		o.LayerMounted = func() {}
	}
	if o.Collected == nil {
		o.Collected = func(Collected, error) {}
	}
	if o.ImagePushed == nil {
		o.ImagePushed = func() {}
	}
	return o
}
