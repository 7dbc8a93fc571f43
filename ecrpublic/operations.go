package ecrpublic

import (
	"reflect"
	"slices"
	"strings"
)

// TargetPrefix and the name of an operation, joined by a dot, are the X-Amz-Target header of its requests.
const TargetPrefix = "SpencerFrontendService"

// An Operation is one row of the API. Operations are shared: read them, never change them.
type Operation struct {
	Name   string // such as "BatchCheckLayerAvailability"
	Input  *Shape
	Output *Shape
	// Errors are the exceptions that the operation models; the name of each shape is the error's code. Any other
	// error of the operation is an [UnknownOperationError].
	Errors []*Shape
	// Pages is nil unless the operation answers in pages.
	Pages *Pagination
}

// Pagination names the members that turn pages.
type Pagination struct {
	InputToken  string // of the input: the page to start from
	OutputToken string // of the output: the next page; absent on the last one
	Limit       string // of the input: how many results a page may hold
	Result      string // of the output: the list that is paged
}

// NewInput returns a pointer to a new input, such as *BatchCheckLayerAvailabilityRequest.
func (op *Operation) NewInput() any { return reflect.New(op.Input.goType).Interface() }

// NewOutput returns a pointer to a new output, such as *BatchCheckLayerAvailabilityResponse.
func (op *Operation) NewOutput() any { return reflect.New(op.Output.goType).Interface() }

// Target is the X-Amz-Target header of the operation's requests.
func (op *Operation) Target() string { return TargetPrefix + "." + op.Name }

// Operations returns all operations, by name.
func Operations() []*Operation { return slices.Clone(api.operations) }

// OperationByName returns the operation of that exact name.
func OperationByName(name string) (*Operation, bool) {
	op, ok := api.byName[name]
	return op, ok
}

// OperationByInput returns the operation that takes in, an input structure or a pointer to one. A server that registers
// func(context.Context, *In) (*Out, error) needs no operation names:
//
//	op, ok := ecrpublic.OperationByInput(new(In))
func OperationByInput(in any) (*Operation, bool) {
	t := reflect.TypeOf(in)
	if t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	op, ok := api.byInput[t]
	return op, ok
}

// definition is an operation before its types are read.
type definition struct {
	input, output reflect.Type
	errors        []APIError
}

// define declares an operation by its input, output and exceptions. Its name is that of the input without "Request".
// Every operation models ServerException and UnsupportedCommandException, so those are not repeated.
func define[In, Out any](errors ...APIError) definition {
	errors = append(errors, new(ServerException), new(UnsupportedCommandException))
	return definition{reflect.TypeFor[In](), reflect.TypeFor[Out](), errors}
}

// table is the API: the one list of operations.
var table = []definition{
	define[BatchCheckLayerAvailabilityRequest, BatchCheckLayerAvailabilityResponse](
		new(InvalidParameterException), new(RegistryNotFoundException), new(RepositoryNotFoundException)),
	define[BatchDeleteImageRequest, BatchDeleteImageResponse](
		new(InvalidParameterException), new(RepositoryNotFoundException)),
	define[CompleteLayerUploadRequest, CompleteLayerUploadResponse](
		new(EmptyUploadException), new(InvalidLayerException), new(InvalidParameterException),
		new(LayerAlreadyExistsException), new(LayerPartTooSmallException), new(RegistryNotFoundException),
		new(RepositoryNotFoundException), new(UploadNotFoundException)),
	define[CreateRepositoryRequest, CreateRepositoryResponse](
		new(InvalidParameterException), new(InvalidTagParameterException), new(LimitExceededException),
		new(RepositoryAlreadyExistsException), new(TooManyTagsException)),
	define[DeleteRepositoryRequest, DeleteRepositoryResponse](
		new(InvalidParameterException), new(RepositoryNotEmptyException), new(RepositoryNotFoundException)),
	define[DeleteRepositoryPolicyRequest, DeleteRepositoryPolicyResponse](
		new(InvalidParameterException), new(RepositoryNotFoundException), new(RepositoryPolicyNotFoundException)),
	define[DescribeImageTagsRequest, DescribeImageTagsResponse](
		new(InvalidParameterException), new(RepositoryNotFoundException)),
	define[DescribeImagesRequest, DescribeImagesResponse](
		new(ImageNotFoundException), new(InvalidParameterException), new(RepositoryNotFoundException)),
	define[DescribeRegistriesRequest, DescribeRegistriesResponse](
		new(InvalidParameterException)),
	define[DescribeRepositoriesRequest, DescribeRepositoriesResponse](
		new(InvalidParameterException), new(RepositoryNotFoundException)),
	define[GetAuthorizationTokenRequest, GetAuthorizationTokenResponse](
		new(InvalidParameterException)),
	define[GetRegistryCatalogDataRequest, GetRegistryCatalogDataResponse](),
	define[GetRepositoryCatalogDataRequest, GetRepositoryCatalogDataResponse](
		new(InvalidParameterException), new(RepositoryCatalogDataNotFoundException), new(RepositoryNotFoundException)),
	define[GetRepositoryPolicyRequest, GetRepositoryPolicyResponse](
		new(InvalidParameterException), new(RepositoryNotFoundException), new(RepositoryPolicyNotFoundException)),
	define[InitiateLayerUploadRequest, InitiateLayerUploadResponse](
		new(InvalidParameterException), new(RegistryNotFoundException), new(RepositoryNotFoundException)),
	define[ListTagsForResourceRequest, ListTagsForResourceResponse](
		new(InvalidParameterException), new(RepositoryNotFoundException)),
	define[PutImageRequest, PutImageResponse](
		new(ImageAlreadyExistsException), new(ImageDigestDoesNotMatchException), new(ImageTagAlreadyExistsException),
		new(InvalidParameterException), new(LayersNotFoundException), new(LimitExceededException),
		new(ReferencedImagesNotFoundException), new(RegistryNotFoundException), new(RepositoryNotFoundException)),
	define[PutRegistryCatalogDataRequest, PutRegistryCatalogDataResponse](
		new(InvalidParameterException)),
	define[PutRepositoryCatalogDataRequest, PutRepositoryCatalogDataResponse](
		new(InvalidParameterException), new(RepositoryNotFoundException)),
	define[SetRepositoryPolicyRequest, SetRepositoryPolicyResponse](
		new(InvalidParameterException), new(RepositoryNotFoundException)),
	define[TagResourceRequest, TagResourceResponse](
		new(InvalidParameterException), new(InvalidTagParameterException), new(RepositoryNotFoundException),
		new(TooManyTagsException)),
	define[UntagResourceRequest, UntagResourceResponse](
		new(InvalidParameterException), new(InvalidTagParameterException), new(RepositoryNotFoundException),
		new(TooManyTagsException)),
	define[UploadLayerPartRequest, UploadLayerPartResponse](
		new(InvalidLayerPartException), new(InvalidParameterException), new(LimitExceededException),
		new(RegistryNotFoundException), new(RepositoryNotFoundException), new(UploadNotFoundException)),
}

// api is the table with its types read, once, when the program starts; it is only read afterwards.
var api = newModel(table)

type model struct {
	operations []*Operation
	byName     map[string]*Operation
	byInput    map[reflect.Type]*Operation
	shapes     shapes
}

func newModel(table []definition) model {
	m := model{byName: map[string]*Operation{}, byInput: map[reflect.Type]*Operation{}, shapes: shapes{}}
	for _, d := range table {
		op := &Operation{
			Name:   strings.TrimSuffix(d.input.Name(), "Request"),
			Input:  m.shapes.structure(d.input),
			Output: m.shapes.structure(d.output),
		}
		for _, e := range d.errors {
			op.Errors = append(op.Errors, m.shapes.structure(reflect.TypeOf(e).Elem()))
		}
		op.Pages = pagination(op)
		m.operations = append(m.operations, op)
		m.byName[op.Name] = op
		m.byInput[d.input] = op
	}
	return m
}

// pagination reads from the shapes whether an operation pages: it takes and gives a token, and its result is the list
// of its output.
func pagination(op *Operation) *Pagination {
	const token, limit = "nextToken", "maxResults"
	if op.Input.Member(token) == nil || op.Input.Member(limit) == nil || op.Output.Member(token) == nil {
		return nil
	}
	i := slices.IndexFunc(op.Output.Members, func(m *Member) bool { return m.Shape.Kind == KindList })
	return &Pagination{InputToken: token, OutputToken: token, Limit: limit, Result: op.Output.Members[i].Name}
}
