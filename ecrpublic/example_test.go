package ecrpublic_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/openecr/openecr/ecrpublic"
)

// serve is a service that gives one answer. Programs use config.LoadDefaultConfig for what it returns.
func serve(status int, answer string) (cfg aws.Config, stop func()) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	return aws.Config{
		BaseEndpoint: aws.String(server.URL),
		Credentials:  credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "SECRET", ""),
		HTTPClient:   server.Client(),
	}, server.Close
}

func ExampleClient_BatchCheckLayerAvailability() {
	cfg, stop := serve(200, `{"failures":[],"layers":[
		{"layerAvailability":"AVAILABLE","layerDigest":"sha256:aa","layerSize":2777},
		{"layerAvailability":"UNAVAILABLE","layerDigest":"sha256:bb"}]}`)
	defer stop()

	ctx := context.Background()
	client, err := ecrpublic.NewClient(ctx, cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := client.BatchCheckLayerAvailability(ctx, &ecrpublic.BatchCheckLayerAvailabilityRequest{
		RepositoryName: new("hello"),
		LayerDigests:   []string{"sha256:aa", "sha256:bb"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, layer := range out.Layers {
		fmt.Println(*layer.LayerDigest, *layer.LayerAvailability == ecrpublic.LayerAvailabilityAvailable)
	}
	// Output:
	// sha256:aa true
	// sha256:bb false
}

func ExampleClient_errors() {
	cfg, stop := serve(400, `{"__type":"RepositoryNotFoundException","message":"The repository does not exist"}`)
	defer stop()

	ctx := context.Background()
	client, err := ecrpublic.NewClient(ctx, cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.DescribeImages(ctx, &ecrpublic.DescribeImagesRequest{RepositoryName: new("hello")})
	var missing *ecrpublic.RepositoryNotFoundException
	if errors.As(err, &missing) {
		fmt.Println("missing:", *missing.Message)
	}
	// Output: missing: The repository does not exist
}

func ExampleClient_DescribeRepositoriesPages() {
	cfg, stop := serve(200, `{"repositories":[{"repositoryName":"a"},{"repositoryName":"b"}]}`)
	defer stop()

	ctx := context.Background()
	client, err := ecrpublic.NewClient(ctx, cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	for page, err := range client.DescribeRepositoriesPages(ctx, &ecrpublic.DescribeRepositoriesRequest{}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, r := range page.Repositories {
			fmt.Println(*r.RepositoryName)
		}
	}
	// Output:
	// a
	// b
}

func ExampleMarshal() {
	body, err := ecrpublic.Marshal(ecrpublic.BatchCheckLayerAvailabilityResponse{
		Layers:   []ecrpublic.Layer{{LayerSize: new(int64(2777)), LayerDigest: new("sha256:aa")}},
		Failures: []ecrpublic.LayerFailure{},
	})
	fmt.Println(string(body), err)
	// Output: {"failures":[],"layers":[{"layerDigest":"sha256:aa","layerSize":2777}]} <nil>
}

func ExampleValidate() {
	err := ecrpublic.Validate(ecrpublic.BatchCheckLayerAvailabilityRequest{
		RepositoryName: new("hello"),
		LayerDigests:   make([]string, 101),
	})
	fmt.Println(err)
	// Output: Invalid parameter at 'layerDigests' failed to satisfy constraint: 'Member must have length less than or equal to 100'
}

func ExampleOperation() {
	op, _ := ecrpublic.OperationByName("InitiateLayerUpload")
	for _, m := range op.Input.Members {
		fmt.Println(m.Name, m.Shape.Kind, m.Required)
	}
	// Output:
	// registryId string false
	// repositoryName string true
}
