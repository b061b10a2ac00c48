# Prints what zsh completes, a line each: complete.zsh SCRIPT LINE. zsh completes only in a terminal, so it gets one of its
# own; the key that asks is pressed there, and what is offered is printed by a compadd of ours.
zmodload zsh/zpty || exit 9
zpty shell zsh -f -i
zpty -w shell "PS1=; autoload -Uz compinit && compinit -u -D; source ${(q)1}"
zpty -w shell 'compadd() {
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
  local -a hits; builtin compadd -A hits "$@"
  local hit; for hit in $hits; do print -r -- "OFFERED:$hit:"; done
  builtin compadd "$@"
}
finish() { print; print "THE""END"; exit }
comppostfuncs=(finish)
bindkey "^I" complete-word; print "REA""DY"'
while zpty -r shell line; do [[ $line == *READY* ]] && break; done
zpty -w -n shell "$2"$'\t'
while zpty -r shell line; do
  [[ $line == *THEEND* ]] && break
  [[ $line == *OFFERED:*:* ]] && print -r -- ${${line##*OFFERED:}%:*}
done
zpty -d shell
