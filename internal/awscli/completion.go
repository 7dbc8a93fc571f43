package awscli

import (
	"fmt"
	"strings"
)

// A Word is a word that a shell can complete, with what it means.
type Word struct{ Text, Help string }

// Completion returns a script that completes the command line of openecr in a shell: bash, zsh or fish. commands are
// the commands of openecr beside this one.
func Completion(shell string, commands []Word) (string, error) {
	top := append([]Word{{Name, "The API as a command line"}}, commands...)
	switch shell {
	case "bash":
		return bashCompletion(top), nil
	case "zsh":
		return zshCompletion(top), nil
	case "fish":
		return fishCompletion(top), nil
	}
	return "", fmt.Errorf("there is no completion for %q: say bash, zsh or fish", shell)
}

// operationWords are the commands of this command line.
func operationWords() []Word {
	var words []Word
	for _, name := range commandNames() {
		words = append(words, Word{name, operationTexts[name].summary})
	}
	return append(words, Word{"help", "Show help"})
}

// optionWords are the options of an operation, without those that every operation has.
func optionWords(name string) []Word {
	c, err := newCommand(name)
	if err != nil {
		return nil
	}
	help := map[string]string{
		inputJSON: "All parameters as JSON", inputYAML: "All parameters as YAML", skeleton: "Print a sample",
		startingToken: "Where to go on", pageSize: "Results per call", maxItems: "Results in all",
	}
	for _, m := range c.op.Input.Members {
		help[option(m)], help[off(m)] = describe(c.op.Input, m), "Not "+option(m)
	}
	var words []Word
	for _, o := range c.options(true) {
		words = append(words, Word{o.Name, help[o.Name]})
	}
	return words
}

func globalWords() []Word {
	var words []Word
	for _, o := range globalOptions() {
		words = append(words, Word{o.Name, o.help})
	}
	return words
}

func joined(words []Word) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = w.Text
	}
	return strings.Join(texts, " ")
}

func bashCompletion(top []Word) string {
	var b strings.Builder
	b.WriteString("# bash completion of openecr; load it with: source <(openecr completion bash)\n" +
		"_openecr() {\n  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words= operation= word\n  COMPREPLY=()\n")
	fmt.Fprintf(&b, "  if (( COMP_CWORD == 1 )); then\n    COMPREPLY=( $(compgen -W %s -- \"$cur\") )\n    return\n  fi\n", quoted(joined(top)))
	fmt.Fprintf(&b, "  if [[ ${COMP_WORDS[1]} != %s ]]; then\n    COMPREPLY=( $(compgen -f -- \"$cur\") )\n    return\n  fi\n", Name)
	b.WriteString("  case $prev in\n")
	for _, o := range globalOptions() {
		if len(o.Choices) > 0 {
			fmt.Fprintf(&b, "    %s) COMPREPLY=( $(compgen -W %s -- \"$cur\") ); return ;;\n", o.Name, quoted(strings.Join(o.Choices, " ")))
		}
	}
	b.WriteString("  esac\n  for word in \"${COMP_WORDS[@]:2:COMP_CWORD-2}\"; do\n    case $word in\n")
	for _, w := range operationWords() {
		fmt.Fprintf(&b, "      %s) operation=%s; words=%s ;;\n", w.Text, w.Text, quoted(joined(optionWords(w.Text))))
	}
	fmt.Fprintf(&b, "    esac\n  done\n  if [[ -z $operation ]]; then words=%s; fi\n", quoted(joined(operationWords())))
	fmt.Fprintf(&b, "  COMPREPLY=( $(compgen -W \"$words \"%s -- \"$cur\") )\n}\ncomplete -o default -F _openecr openecr\n", quoted(joined(globalWords())))
	return b.String()
}

func zshCompletion(top []Word) string {
	described := func(words []Word) string {
		parts := make([]string, len(words))
		for i, w := range words {
			parts[i] = quoted(strings.ReplaceAll(w.Text, ":", `\:`) + ":" + w.Help)
		}
		return strings.Join(parts, " ")
	}
	var b strings.Builder
	b.WriteString("#compdef openecr\n# zsh completion of openecr; load it with: source <(openecr completion zsh)\n" +
		"_openecr() {\n  local -a choices\n  local word operation=\n")
	fmt.Fprintf(&b, "  if (( CURRENT == 2 )); then\n    choices=(%s)\n    _describe command choices\n    return\n  fi\n", described(top))
	fmt.Fprintf(&b, "  if [[ $words[2] != %s ]]; then\n    _files\n    return\n  fi\n  case $words[CURRENT-1] in\n", Name)
	for _, o := range globalOptions() {
		if len(o.Choices) > 0 {
			fmt.Fprintf(&b, "    %s) compadd -- %s; return ;;\n", o.Name, strings.Join(o.Choices, " "))
		}
	}
	b.WriteString("  esac\n  for word in ${words[3,CURRENT-1]}; do\n    case $word in\n")
	for _, w := range operationWords() {
		fmt.Fprintf(&b, "      %s) operation=%s; choices=(%s) ;;\n", w.Text, w.Text, described(optionWords(w.Text)))
	}
	fmt.Fprintf(&b, "    esac\n  done\n  if [[ -z $operation ]]; then choices=(%s); fi\n", described(operationWords()))
	fmt.Fprintf(&b, "  if [[ $PREFIX == -* || -z $operation ]]; then\n    choices+=(%s)\n    _describe option choices\n  else\n    _files\n  fi\n}\n",
		described(globalWords()))
	b.WriteString("if [[ $funcstack[1] == _openecr ]]; then _openecr \"$@\"; else compdef _openecr openecr; fi\n")
	return b.String()
}

func fishCompletion(top []Word) string {
	var b strings.Builder
	b.WriteString("# fish completion of openecr; load it with: openecr completion fish | source\n")
	for _, w := range top {
		fmt.Fprintf(&b, "complete -c openecr -n __fish_use_subcommand -f -a %s -d %s\n", w.Text, quoted(w.Help))
	}
	inService := "__fish_seen_subcommand_from " + Name
	var names []string
	for _, w := range operationWords() {
		names = append(names, w.Text)
	}
	none := inService + "; and not __fish_seen_subcommand_from " + strings.Join(names, " ")
	for _, w := range operationWords() {
		fmt.Fprintf(&b, "complete -c openecr -n %s -f -a %s -d %s\n", quoted(none), w.Text, quoted(w.Help))
		for _, o := range optionWords(w.Text) {
			fmt.Fprintf(&b, "complete -c openecr -n %s -l %s -d %s\n",
				quoted(inService+"; and __fish_seen_subcommand_from "+w.Text), strings.TrimPrefix(o.Text, "--"), quoted(o.Help))
		}
	}
	for _, o := range globalOptions() {
		choices := ""
		if len(o.Choices) > 0 {
			choices = " -x -a " + quoted(strings.Join(o.Choices, " "))
		}
		fmt.Fprintf(&b, "complete -c openecr -n %s -l %s%s -d %s\n", quoted(inService), strings.TrimPrefix(o.Name, "--"), choices, quoted(o.help))
	}
	return b.String()
}

// quoted makes one word of a text, for all three shells.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'"'"'`) + "'" }
