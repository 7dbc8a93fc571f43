package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/app"
	"github.com/openecr/openecr/internal/push"
	"github.com/openecr/openecr/internal/ref"
)

type pushCommand struct {
	pushOptions `embed:""`
	File        string `arg:"" name:"image" help:"OCI image layout (a directory or tar file), or tar file of docker save." placeholder:"IMAGE"`
	Target      string `arg:"" name:"repository:tag" help:"Repository in the registry of the caller, and tag." placeholder:"REPOSITORY:TAG"`
	Image       string `help:"Which image of the file, by name or digest, when it has several." placeholder:"NAME"`
}

// Run pushes the image. Its digest is the result.
func (c *pushCommand) Run() error {
	name, tag, err := parseTarget(c.Target)
	if err != nil {
		return err
	}
	return c.run(name, func(ctx context.Context, p *push.Pusher) ([]ref.Digest, error) {
		image, err := push.OpenImage(ctx, c.File, c.Image)
		if err != nil {
			return nil, err
		}
		defer image.Close()
		return []ref.Digest{image.Digest()}, p.Image(ctx, image, tag)
	})
}

type pushLayerCommand struct {
	pushOptions    `embed:""`
	RepositoryName string   `required:"" help:"Repository in the registry of the caller." placeholder:"NAME"`
	Files          []string `arg:"" name:"file" help:"Files that become a layer each." placeholder:"FILE"`
}

// Run pushes the files. The digests of the layers, in the order of the files, are the result.
func (c *pushLayerCommand) Run() error {
	return c.run(c.RepositoryName, func(ctx context.Context, p *push.Pusher) ([]ref.Digest, error) {
		layers, digests := make([]push.Blob, len(c.Files)), make([]ref.Digest, len(c.Files))
		for i, name := range c.Files {
			var err error
			if layers[i], err = push.OpenLayer(ctx, name); err != nil {
				return nil, err
			}
			digests[i] = layers[i].Digest
		}
		return digests, p.Layers(ctx, layers)
	})
}

// pushOptions are common to all that pushes.
type pushOptions struct {
	awsOptions `embed:""`
	Create     bool `help:"Make the repository if it does not exist."`
	Parallel   int  `help:"How many layers are uploaded at once." default:"4" placeholder:"N"`
	Quiet      bool `short:"q" help:"Show no progress."`
}

// run calls do with a Pusher until it returns or the user interrupts it, and prints the digests of what was pushed.
func (o *pushOptions) run(repository string, do func(context.Context, *push.Pusher) ([]ref.Digest, error)) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	name, err := ref.ParseRepositoryName(repository)
	if err != nil {
		return err
	}
	if o.Parallel < 1 {
		return fmt.Errorf("--parallel %d: at least one layer must be uploaded at a time", o.Parallel)
	}
	client, err := o.client(ctx)
	if err != nil {
		return err
	}
	options := push.Options{Repository: name, Create: o.Create, Parallel: o.Parallel}
	if cache, err := os.UserCacheDir(); err == nil {
		options.ResumeDir = filepath.Join(cache, "openecr", "uploads")
	}
	progress := o.progress()
	if progress != nil {
		options.Progress = progress
	}
	digests, err := do(ctx, push.New(client, options))
	if progress != nil {
		progress.Close() // before anything else is printed on the same terminal
	}
	if err != nil {
		if ctx.Err() != nil {
			return interrupted{}
		}
		return err
	}
	for _, d := range digests {
		if _, err := fmt.Println(d); err != nil {
			return err
		}
	}
	return nil
}

// interrupted is how a command ends that the user has stopped.
type interrupted struct{}

func (interrupted) Error() string {
	return "interrupted: run the same command again to go on where it stopped"
}

// ExitCode is the status of shells for a program that an interrupt has ended.
func (interrupted) ExitCode() int { return 130 }

// progress shows on standard error what goes on, since standard output is for results. It is nil for --quiet.
func (o *pushOptions) progress() interface {
	push.Progress
	Close()
} {
	switch {
	case o.Quiet:
		return nil
	case isTerminal(os.Stderr):
		return push.NewBar(os.Stderr)
	}
	return push.NewLines(os.Stderr)
}

// parseTarget takes REPOSITORY:TAG apart.
func parseTarget(s string) (repository string, tag ref.Tag, err error) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 || strings.Contains(s[i:], "/") {
		return "", "", fmt.Errorf("%q has no tag: write REPOSITORY:TAG", s)
	}
	if strings.ContainsAny(s[:i], ":@") {
		return "", "", fmt.Errorf("%q is more than a repository and a tag: write REPOSITORY:TAG, without host and alias", s)
	}
	tag, err = ref.ParseTag(s[i+1:])
	return s[:i], tag, err
}

// awsOptions say where the API is and who calls. What they leave open is the AWS configuration's to say: environment,
// shared files and so on.
type awsOptions struct {
	EndpointURL string `name:"endpoint-url" help:"URL of the API." placeholder:"URL"`
	Profile     string `help:"Profile of the AWS configuration files." placeholder:"NAME"`
	Region      string `help:"Region of the signature." placeholder:"NAME"`
	Data        string `help:"Data folder of a local registry, which is used when no endpoint, profile or AWS_* variable says otherwise." default:"./openecr-data" env:"OPENECR_DATA" placeholder:"DIR"`
}

// How often every call is tried, unless the AWS configuration has another number: with the SDK's own three attempts, a
// push would not outlive a network that is away for a quarter of a minute, and with its pauses it would seem to hang.
const (
	maxAttempts = 8
	maxBackoff  = 5 * time.Second
)

func (o *awsOptions) client(ctx context.Context) (*ecrpublic.Client, error) {
	cfg, err := o.config(ctx)
	if err != nil {
		return nil, err
	}
	if cfg.RetryMaxAttempts == 0 {
		cfg.Retryer = func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = maxAttempts, maxBackoff })
		}
	}
	return ecrpublic.NewClient(ctx, cfg)
}

func (o *awsOptions) config(ctx context.Context) (aws.Config, error) {
	if o.isLocal(os.Environ()) {
		return localConfig(o.Data)
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithSharedConfigProfile(o.Profile), config.WithRegion(o.Region))
	if o.EndpointURL != "" {
		cfg.BaseEndpoint, cfg.ConfigSources = &o.EndpointURL, nil // which would know one of their own
	}
	return cfg, err
}

// isLocal says whether the local registry is meant: nothing else is configured, and it has run here. A folder that was
// named must be one, so that what was meant for it goes nowhere else.
func (o *awsOptions) isLocal(environ []string) bool {
	if o.EndpointURL != "" || o.Profile != "" || slices.ContainsFunc(environ, func(e string) bool { return strings.HasPrefix(e, "AWS_") }) {
		return false
	}
	_, err := os.Stat(o.Data)
	return o.Data != defaultData || !errors.Is(err, fs.ErrNotExist)
}

func localConfig(data string) (aws.Config, error) {
	env, err := app.ReadEnvironment(data)
	if err != nil {
		return aws.Config{}, err
	}
	return aws.Config{
		Region:       region,
		BaseEndpoint: &env.URL,
		Credentials:  credentials.NewStaticCredentialsProvider(env.AccessKeyID, env.SecretAccessKey, ""),
	}, nil
}
