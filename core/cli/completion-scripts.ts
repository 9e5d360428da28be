/**
 * The completion scripts. Each only hands the words to `pvc __complete` and shows what comes back, so
 * that new commands and plugins need no new script. The answer is a line per candidate, with a tab
 * before its description, and one last line: `:files` (complete paths instead), `:nospace` or `:done`.
 * @module
 */

/**
 * Bash cuts words at `:` and `=` too (COMP_WORDBREAKS); they are put together again before they are
 * sent, and what bash believes to be another word is taken off the candidates.
 */
export const bashScript = `# bash completion for pvc
_pvc() {
  local line=\${COMP_LINE:0:COMP_POINT} rest word current='' i
  local -a words=()
  rest=$line
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $i -gt 1 && $rest == "\${rest#[[:space:]]}" && ( $word == [:=]* || \${COMP_WORDS[i-1]} == *[:=] ) && \${#words[@]} -gt 0 ]]; then
      words[\${#words[@]}-1]+=$word
    else
      words+=("$word")
    fi
    rest=\${rest#"\${rest%%[![:space:]]*}"}
    rest=\${rest#"$word"}
  done
  current=\${words[\${#words[@]}-1]}
  local prefix=''
  case $current in
    *[:=]*) [[ $COMP_WORDBREAKS == *[:=]* ]] && prefix=\${current%"\${current##*[:=]}"} ;;
  esac
  local candidate last=''
  COMPREPLY=()
  while IFS= read -r candidate; do
    if [[ $candidate == :* ]]; then
      last=$candidate
    else
      candidate=\${candidate%%$'\\t'*}
      COMPREPLY+=("\${candidate#"$prefix"}")
    fi
  done < <("\${words[0]}" __complete -- "\${words[@]:1}" 2>/dev/null)
  case $last in
    :files) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "\${current##*=}") ;;
    :nospace) compopt -o nospace 2>/dev/null ;;
  esac
}
complete -F _pvc pvc
`;

export const zshScript = `#compdef pvc
# zsh completion for pvc
_pvc() {
  local line last
  local -a candidates
  candidates=()
  while IFS= read -r line; do
    if [[ $line == :* ]]; then
      last=$line
    else
      # _describe takes the first colon for the end of the candidate
      local name=\${line%%$'\\t'*}
      candidates+=("\${name//:/\\\\:}:\${line#*$'\\t'}")
    fi
  done < <("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  case $last in
    :files) _files ;;
    :nospace) _describe -V pvc candidates -S '' ;;
    *) _describe -V pvc candidates ;;
  esac
}
if [[ $funcstack[1] == _pvc ]]; then
  _pvc "$@"
else
  compdef _pvc pvc
fi
`;

export const fishScript = `# fish completion for pvc
function __pvc_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l lines ($words[1] __complete -- $words[2..-1] 2>/dev/null)
    for line in $lines
        switch $line
            case ':files'
                __fish_complete_path (commandline -ct)
            case ':*'
            case '*'
                echo $line
        end
    end
end
complete -c pvc -f -a '(__pvc_complete)'
`;
