// Package awscli is the command line of the API: `openecr ecr-public OPERATION …`, which takes the options and prints the
// results and errors of `aws ecr-public …` of the AWS CLI v2, against openecr and the real service alike.
//
// Nothing in it lists operations or fields: options, checks, skeletons and help come from the table of package
// ecrpublic. It is a client and holds no rule of the registry.
//
// # How a command runs
//
//   - cli.go takes the global options and hands the rest to one command.
//   - command.go is one operation: arguments.go turns its options into a document, input.go adds --cli-input-json, and
//     then either skeleton.go prints a sample or caller.go calls the service, pages.go once per page.
//   - validate.go checks the document as the AWS CLI does before anything is sent; request.go makes it the operation's input.
//   - print.go sends the answer through --query and package output.
//   - failure.go has the exit codes, config.go the settings, help.go the help.
//
// The packages below know nothing of the API: document holds values, argparse reads options, shorthand and jmespath are
// two small languages, output has the formats.
package awscli
